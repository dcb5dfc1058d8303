# Copyright: (c) 2026, The watchparty.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Log in, log out, and ask who one is: enough to see whether a session survives."""

from __future__ import annotations

import socket

from django.contrib.auth import authenticate, login, logout
from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.http import require_GET, require_http_methods, require_POST


@require_http_methods(["GET", "POST"])
def login_view(request: HttpRequest) -> JsonResponse:
    """GET gives the CSRF token (and its cookie); POST ``username`` and ``password`` logs in."""
    if request.method == "GET":
        return JsonResponse({"csrf": get_token(request)})
    user = authenticate(
        request,
        username=request.POST.get("username", ""),
        password=request.POST.get("password", ""),
    )
    if user is None:
        return JsonResponse({"user": None}, status=403)
    login(request, user)
    return JsonResponse({"user": user.get_username()})


@require_POST
def logout_view(request: HttpRequest) -> JsonResponse:
    logout(request)
    return JsonResponse({"user": None})


@require_GET
def whoami(request: HttpRequest) -> JsonResponse:
    user = request.user.get_username() if request.user.is_authenticated else None
    return JsonResponse({"user": user, "host": socket.gethostname()})


@require_GET
def account(request: HttpRequest) -> JsonResponse:
    """For those who are logged in."""
    return JsonResponse({}, status=200 if request.user.is_authenticated else 401)
