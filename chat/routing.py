"""WebSocket routes."""

from django.urls import path

from chat.realtime.consumers import ChatConsumer

websocket_urlpatterns = [path("ws/chat/", ChatConsumer.as_asgi())]
