"""The surface that needs no feature: reference data, health, problems, the document and the reference page."""

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.builders import a_person


def test_anyone_reads_the_codelists(client: FlaskClient) -> None:
    answer = client.get("/v1/codelists")

    assert answer.status_code == 200
    assert "instruments" in {each["name"] for each in answer.json["data"]}


def test_an_unknown_query_parameter_is_refused(client: FlaskClient) -> None:
    answer = client.get("/v1/areas?q=Leeds&limt=3")

    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.json["errors"] == [{"parameter": "limt", "detail": "Unknown parameter."}]


def test_a_closed_route_asks_for_a_token(client: FlaskClient) -> None:
    answer = client.get("/v1/events")

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_bad_token_is_refused_even_on_an_open_route(client: FlaskClient) -> None:
    answer = client.get("/v1/codelists", headers={"Authorization": "Bearer nonsense"})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_person_reads_an_empty_feed(client: FlaskClient, session: Session) -> None:
    answer = client.get("/v1/events", headers=a_person(session).headers)

    assert answer.status_code == 200
    assert answer.json["data"] == []


def test_the_program_is_alive_and_ready(client: FlaskClient) -> None:
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").json == {
        "status": "ready",
        "checks": {"database": True, "migrations": True, "durability": True},
        "documents": "reachable",
    }


def test_the_reference_page_asks_nothing_of_other_hosts(client: FlaskClient) -> None:
    page = client.get("/docs")

    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    assert page.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_every_problem_type_has_a_page(client: FlaskClient) -> None:
    problem = client.get("/v1/nothing-here")

    assert problem.status_code == 404
    assert client.get(problem.json["type"]).status_code == 200


def test_a_query_parameter_is_given_once(client: FlaskClient) -> None:
    answer = client.get("/v1/areas?q=Leeds&q=York")

    assert answer.status_code == 422
    assert answer.json["errors"] == [{"parameter": "q", "detail": "Given more than once."}]


def test_a_query_is_utf8(client: FlaskClient) -> None:
    assert client.get("/v1/areas?q=%ff").status_code == 400
