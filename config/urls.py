"""The addresses of the site."""

from django.contrib import admin
from django.contrib.auth import views as auth_views
from django.urls import include, path
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from config import api, api_door, offline
from history import lost_page, server_page, storage_page
from history.charts.library import chart_library
from history.compare.views import compare, compare_chart, compare_table
from history.explore.views import runs, runs_record, runs_report
from history.exports.views import runs_export
from history.failures import views as failures
from history.run_charts import views as run_charts
from history.run_page import changes
from history.run_page import views as run_page
from history.run_watches import bells
from history.scene_page import views as scene_page
from history.scene_page.charts import scene_chart, scene_chart_page
from history.scene_page.files import scene_file
from history.timeline.views import runs_timeline, runs_timeline_record
from telemetry import me, token_views, tv_pages, views
from telemetry import server_actions as actions
from telemetry import server_settings as servers

handler400, handler404, handler500 = (
    api_door.handler400,
    api_door.handler404,
    api_door.handler500,
)

# Django's own view would also answer PUT and OPTIONS.
login = require_http_methods(["GET", "HEAD", "POST"])(
    auth_views.LoginView.as_view(redirect_authenticated_user=True)
)

urlpatterns = [
    path("", views.home, name="home"),
    path("offline/", offline.offline, name="offline"),
    path("service-worker.js", offline.service_worker, name="service_worker"),
    path("login/", login, name="login"),
    path("logout/", require_POST(auth_views.LogoutView.as_view()), name="logout"),
    path("password/", views.password_change, name="password_change"),
    path(
        "password/done/",
        require_safe(auth_views.PasswordChangeDoneView.as_view()),
        name="password_change_done",
    ),
    path("sign-in/<str:token>/", views.sign_in_link, name="sign_in_link"),
    path("teams/<slug:slug>/live/", views.live, name="live"),
    path("teams/<slug:slug>/client-ids/", views.claim_client_id, name="claim_client_id"),
    path("teams/<slug:slug>/settings/tv/", tv_pages.tv_links, name="tv_links"),
    path("teams/<slug:slug>/settings/tv/<int:pk>/revoke/", tv_pages.revoke, name="revoke_tv_link"),
    path("teams/<slug:slug>/bells/", bells, name="bells"),
    path("teams/<slug:slug>/runs/", runs, name="runs"),
    path("teams/<slug:slug>/runs/record/", runs_record, name="runs_record"),
    path("teams/<slug:slug>/runs/report/", runs_report, name="runs_report"),
    path("teams/<slug:slug>/runs/timeline/", runs_timeline, name="runs_timeline"),
    path(
        "teams/<slug:slug>/runs/timeline/record/",
        runs_timeline_record,
        name="runs_timeline_record",
    ),
    path("teams/<slug:slug>/runs/export/<str:name>", runs_export, name="runs_export"),
    path("teams/<slug:slug>/compare/", compare, name="compare"),
    path("teams/<slug:slug>/compare/times.json", compare_chart, name="compare_chart"),
    path("teams/<slug:slug>/compare/times/", compare_table, name="compare_table"),
    path("teams/<slug:slug>/failures/", failures.failures, name="failures"),
    path("teams/<slug:slug>/failures/<int:pk>/", failures.failure, name="failure"),
    path("teams/<slug:slug>/failures/<int:pk>/decide/", failures.decide, name="decide_failure"),
    path("runs/<int:pk>/", run_page.run, name="run"),
    path("teams/<slug:slug>/runs/<int:pk>/", run_page.run_page, name="run_page"),
    path("teams/<slug:slug>/runs/<int:pk>/record/", run_page.run_record, name="run_record"),
    path("teams/<slug:slug>/runs/<int:pk>/notes/", run_page.add_note, name="add_run_note"),
    path("teams/<slug:slug>/runs/<int:pk>/archive/", changes.archive_run, name="archive_run"),
    path("teams/<slug:slug>/runs/<int:pk>/delete/", changes.delete_run, name="delete_run"),
    path("teams/<slug:slug>/runs/<int:pk>/restore/", changes.restore_run, name="restore_run"),
    path("teams/<slug:slug>/runs/deleted/", changes.deleted_runs, name="deleted_runs"),
    path(
        "teams/<slug:slug>/runs/<int:pk>/charts/<slug:name>.json",
        run_charts.run_chart,
        name="run_chart",
    ),
    path(
        "teams/<slug:slug>/runs/<int:pk>/charts/<slug:name>/",
        run_charts.run_chart_page,
        name="run_chart_page",
    ),
    path(
        "teams/<slug:slug>/runs/<int:pk>/attempts/<int:attempt>/polls.json",
        run_charts.poll_chart,
        name="poll_chart",
    ),
    path(
        "teams/<slug:slug>/runs/<int:pk>/attempts/<int:attempt>/polls/",
        run_charts.poll_chart_page,
        name="poll_chart_page",
    ),
    path("charts/vega-<str:name>.js", chart_library, name="chart_library"),
    path(
        "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/",
        scene_page.scene_page,
        name="scene_page",
    ),
    path(
        "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/record/",
        scene_page.scene_record,
        name="scene_record",
    ),
    path(
        "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/files/<int:attempt_pk>/<int:number>/",
        scene_file,
        name="scene_file",
    ),
    path(
        "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/charts/<slug:name>.json",
        scene_chart,
        name="scene_chart",
    ),
    path(
        "teams/<slug:slug>/runs/<int:run_pk>/scenes/<int:pk>/charts/<slug:name>/",
        scene_chart_page,
        name="scene_chart_page",
    ),
    path("tv/<str:token>/", tv_pages.tv, name="tv"),
    path("teams/<slug:slug>/settings/tokens/", token_views.tokens, name="tokens"),
    path(
        "teams/<slug:slug>/settings/tokens/<int:pk>/revoke/",
        token_views.revoke_token,
        name="revoke_token",
    ),
    path("teams/<slug:slug>/settings/storage/", storage_page.team_storage, name="team_storage"),
    path(
        "teams/<slug:slug>/settings/storage/measure/",
        storage_page.measure_storage,
        name="measure_storage",
    ),
    path("api/v1/", include((api.urlpatterns, "api"))),
    path("settings/me/", me.me, name="me"),
    path("settings/me/theme/", me.theme, name="theme"),
    path("teams/<slug:slug>/settings/servers/", servers.server_settings, name="server_settings"),
    path("teams/<slug:slug>/settings/servers/add/", servers.add_server, name="add_server"),
    path("teams/<slug:slug>/settings/servers/<int:pk>/", servers.edit_server, name="edit_server"),
    path(
        "teams/<slug:slug>/settings/servers/<int:pk>/switch/",
        servers.switch_server,
        name="switch_server",
    ),
    path(
        "teams/<slug:slug>/settings/servers/<int:pk>/delete/",
        servers.delete_server,
        name="delete_server",
    ),
    path("servers/<int:pk>/", views.server, name="server"),
    path("teams/<slug:slug>/servers/<int:pk>/", server_page.server_page, name="server_page"),
    path(
        "teams/<slug:slug>/servers/<int:pk>/record/",
        server_page.server_record,
        name="server_record",
    ),
    path(
        "teams/<slug:slug>/servers/<int:pk>/interrupt/",
        actions.interrupt_prompt,
        name="interrupt_prompt",
    ),
    path("teams/<slug:slug>/servers/<int:pk>/cancel/", actions.cancel_prompt, name="cancel_prompt"),
    path("teams/<slug:slug>/servers/<int:pk>/lost/", lost_page.lost_prompts, name="lost_prompts"),
    path(
        "teams/<slug:slug>/servers/<int:pk>/connection/",
        actions.change_connection,
        name="change_connection",
    ),
    path("admin/", admin.site.urls),
]
