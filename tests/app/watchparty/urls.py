# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sample application's addresses. ``/health/`` is answered by a middleware."""

from __future__ import annotations

from django.urls import path

from watchparty import views

urlpatterns = [
    path("login/", views.login_view),
    path("logout/", views.logout_view),
    path("whoami/", views.whoami),
    path("account/", views.account),
]
