"""The addresses of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import path

from telemetry import views

# Django's own sign-in views would also answer PUT and OPTIONS.
FORM = ["get", "head", "post"]

urlpatterns = [
    path("", views.home, name="home"),
    path(
        "login/",
        auth_views.LoginView.as_view(redirect_authenticated_user=True, http_method_names=FORM),
        name="login",
    ),
    path("logout/", auth_views.LogoutView.as_view(http_method_names=["post"]), name="logout"),
    path(
        "password/",
        auth_views.PasswordChangeView.as_view(http_method_names=FORM),
        name="password_change",
    ),
    path(
        "password/done/",
        auth_views.PasswordChangeDoneView.as_view(http_method_names=["get", "head"]),
        name="password_change_done",
    ),
    path("sign-in/<str:token>/", views.sign_in_link, name="sign_in_link"),
    path("teams/<slug:slug>/live/", views.live, name="live"),
    path("teams/<slug:slug>/client-ids/", views.claim_client_id, name="claim_client_id"),
    path("admin/", admin.site.urls),
]
