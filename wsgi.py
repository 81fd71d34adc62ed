"""The WSGI entry point: `gunicorn wsgi:app`; the `flask` commands find the program here too."""

from marketplace.app import create_app
from marketplace.serving import failing_plainly, settings_with_database
from marketplace.web.slow_bodies import within_time

with failing_plainly():
    app = create_app(settings_with_database())
app.wsgi_app = within_time(app.wsgi_app)  # type: ignore[method-assign]
