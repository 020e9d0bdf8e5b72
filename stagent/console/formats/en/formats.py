"""Django takes these over its own English ones; what may be typed into a form stays as it is."""

DATE_FORMAT, TIME_FORMAT, DATETIME_FORMAT = "Y-m-d", "H:i:s", "Y-m-d H:i:s"
