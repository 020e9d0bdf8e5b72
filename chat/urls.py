"""The addresses of the chat page."""

from django.urls import path

from chat import views

app_name = "chat"

urlpatterns = [
    path("", views.page, name="page"),
    path("c/<str:conversation_id>/", views.page, name="conversation"),
    path("shared/<str:token>/", views.shared, name="shared"),
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
]
