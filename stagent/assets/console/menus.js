// Drop-downs made of <details class="filter">: one is open at a time; a click elsewhere or Escape closes it.

function close(except) {
    for (const menu of document.querySelectorAll("details.filter[open]")) {
        if (menu !== except) menu.open = false;
    }
}

document.addEventListener("click", (event) => close(event.target.closest("details.filter")));
document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.filter[open]");
    close(null);
    menu?.querySelector("summary").focus();
});
