"""What the API answers: views as JSON, problems as RFC 9457 documents, whatever is sent."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI

from haven_contract.messages import Reply
from haven_server.core import Core
from haven_server.devices.commands import record_reply
from server.asgi import Api
from server.registry.builders import SITES_HEADER, desks_file, home, store

STORE = store().model_dump(mode="json")


def test_a_store_its_desk_and_its_box_are_set_up_over_http(api: Api, core: Core) -> None:
    desk = api.put("/api/v1/desks", {"station": "서울강동경찰서", "kind": "station", "districts": ["강동구"]}).json
    channel = api.put(f"/api/v1/desks/{desk['id']}/channels/1", {"kind": "webhook", "url": "http://127.0.0.1:9/x"})
    assert channel.json["secret"].startswith("whsec_")
    assert api.put("/api/v1/sites/A-1", STORE).json["desk_in_charge"] == {"id": desk["id"], "title": "서울강동경찰서"}
    assert api.put("/api/v1/devices/box-1", {"site": "A-1", "label": None}).json["site"] == "A-1"
    assert api.put("/api/v1/devices/box-1/inputs/button:counter", {"label": "계산대"}).status == HTTPStatus.OK
    assert api.get("/api/v1/devices/box-1").json["inputs"][0]["label"] == "계산대"
    opened = api.post("/api/v1/devices/box-1/tests", {"source": "button:counter"}).json
    assert (opened["state"], opened["expires_at"]) == ("open", "2026-11-21T03:01:00Z")
    sent = api.post("/api/v1/devices/box-1/commands", {"action": "identify", "args": {"seconds": 5}}).json
    said = Reply(command_id=sent["id"], ok=True, detail="done")
    core.database.writer.run(lambda session: record_reply(session, "box-1", said, core.clock.now()))
    answered = api.get(f"/api/v1/devices/box-1/commands/{sent['id']}").json
    assert (answered["state"], answered["args"], answered["reply"]) == ("done", {"seconds": 5}, "done")
    assert [each["id"] for each in api.get("/api/v1/devices/box-1/commands").json] == [sent["id"]]


def test_lists_are_filtered_by_the_query(api: Api) -> None:
    api.put("/api/v1/sites/A-1", STORE)
    api.put("/api/v1/sites/H-1", home().model_dump(mode="json"))
    api.put("/api/v1/devices/box-1", {"site": "A-1"})
    assert [site["code"] for site in api.get("/api/v1/sites", kind="home", district="강동구").json["sites"]] == ["H-1"]
    assert [site["code"] for site in api.get("/api/v1/sites", q="한빛").json["sites"]] == ["A-1"]
    page = api.get("/api/v1/sites", limit=1).json
    assert api.get("/api/v1/sites", limit=1, after=page["next"]).json["sites"][0]["code"] == "H-1"
    assert len(api.get("/api/v1/devices", site="A-1", standing="active", online="false").json["devices"]) == 1
    assert api.get("/api/v1/desks", kind="situation_room").json["desks"][0]["is_city"]
    assert api.get("/api/v1/troubles", site="A-1", device="box-1", restored="true").json["troubles"] == []


def test_a_token_is_shown_once_works_and_ends_at_once(api: Api) -> None:
    made = api.post("/api/v1/tokens", {"name": "console 1", "role": "dispatcher"}).json
    assert made["token"].startswith("haven_")
    listed = {token["name"]: token for token in api.get("/api/v1/tokens").json}
    assert listed["console 1"]["role"] == "dispatcher"
    assert made["token"] not in str(listed)
    console = api.as_caller(made["token"])
    assert console.get("/api/v1/sites").status == HTTPStatus.OK
    assert api.post("/api/v1/tokens", {"name": "console 1", "role": "admin"}).status == HTTPStatus.CONFLICT
    assert api.post(f"/api/v1/tokens/{quote('console 1')}/revoke").status == HTTPStatus.NO_CONTENT
    assert console.get("/api/v1/sites").status == HTTPStatus.UNAUTHORIZED
    assert api.post(f"/api/v1/tokens/{quote('console 1')}/revoke").status == HTTPStatus.NOT_FOUND


def test_files_are_imported_over_http(api: Api) -> None:
    desks = desks_file("1,서울청,서울강동,나래,지구대,서울특별시 강동구 나래로 9")
    done = api.upload("/api/v1/desks/import", desks).json
    assert (done["counts"]["create"], done["jurisdictions_given"]) == (2, {"강동구": "서울강동경찰서"})
    sites = f"{SITES_HEADER}\n한빛마트 가람점,강동구,서울특별시 강동구  가람로 12,,,,나래지구대\n".encode("cp949")
    looked = api.upload("/api/v1/sites/import?dry_run=true", sites).json
    assert (looked["dry_run"], looked["counts"]["create"], looked["codes"]) == (True, 1, {})
    done = api.upload("/api/v1/sites/import", sites).json
    assert done["codes"] == {"2": "S-000001"}
    (row,) = done["rows"]
    assert (row["row"], row["outcomes"]) == (2, ["create"])
    assert {"phone_missing", "coordinates_missing"} <= {found["kind"] for found in row["findings"]}
    assert all(found["en"] and found["ko"] and found["severity"] for found in row["findings"])
    assert api.get("/api/v1/sites/S-000001").json["desk"]["title"] == "나래지구대"


def test_a_wrong_file_says_what_to_do(api: Api) -> None:
    answer = api.upload("/api/v1/sites/import", b"%PDF-1.7 made up", "sites.csv")
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json["problem"] == "pdf"
    assert "PDF" in answer.json["detail"]
    assert answer.json["ko"]


def test_a_file_over_the_limit_is_refused_without_being_read_whole(api: Api) -> None:
    answer = api.upload("/api/v1/sites/import", b"x" * (20 * 1024 * 1024 + 2))
    assert (answer.status, answer.json["problem"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "too_large")


def test_a_conflict_tells_the_present_version(api: Api) -> None:
    api.put("/api/v1/sites/A-1", STORE)
    answer = api.put("/api/v1/sites/A-1", STORE | {"version": 7})
    assert answer.status == HTTPStatus.CONFLICT
    assert answer.json == {
        "type": "about:blank",
        "title": "Not possible now",
        "status": 409,
        "detail": "site A-1 has been changed in the meantime: it is at version 1, not 7",
        "version": 1,
    }


UNUSABLE: list[tuple[str, str, Any]] = [
    ("GET", "/api/v1/sites?q=%00", None),
    ("GET", "/api/v1/sites?after=%00", None),
    ("GET", "/api/v1/sites?limit=501", None),
    ("GET", "/api/v1/sites/%00", None),
    ("GET", "/api/v1/sites?district=%0A", None),
    ("PUT", "/api/v1/sites/a b", STORE),
    ("PUT", "/api/v1/sites/A-1", STORE | {"name": "\x00"}),
    ("PUT", "/api/v1/sites/A-1", STORE | {"name": "\ud800"}),
    ("PUT", "/api/v1/sites/A-1", STORE | {"lat": 1e999}),
    ("PUT", "/api/v1/sites/A-1", STORE | {"desk": 10**30}),
    ("PUT", "/api/v1/sites/A-1", STORE | {"version": 10**30}),
    ("PUT", "/api/v1/sites/A-1", "text"),
    ("GET", f"/api/v1/desks/{10**30}", None),
    ("GET", f"/api/v1/desks?after={10**30}", None),
    ("PUT", "/api/v1/desks", {"station": "가", "kind": "station", "name": "\x00"}),
    ("PUT", "/api/v1/desks/1/channels/100", {"kind": "webhook", "url": "https://desk.example/"}),
    ("GET", "/api/v1/devices/%00", None),
    ("GET", "/api/v1/devices?after=%00", None),
    ("PUT", "/api/v1/devices/Box", {}),
    ("PUT", "/api/v1/devices/dispatch1", {}),
    ("PUT", "/api/v1/devices/box-1/inputs/device", {"label": "가"}),
    ("PUT", "/api/v1/devices/box-1/inputs/button:%00", {"label": "가"}),
    ("POST", "/api/v1/devices/box-1/tests", {"source": "device"}),
    ("POST", "/api/v1/devices/box-1/tests", {"source": "button:\x00"}),
    ("POST", "/api/v1/devices/box-1/tests", {"source": "pendant:" + "0" * 57}),
    ("POST", "/api/v1/devices/box-1/commands", {"action": "dance"}),
    ("POST", "/api/v1/devices/box-1/commands", {"action": "update"}),
    ("POST", "/api/v1/devices/box-1/retire", {"reason": ""}),
    ("POST", "/api/v1/devices/box-1/retire", None),
    ("GET", "/api/v1/devices/box-1/commands/none", None),
    ("POST", "/api/v1/tokens", {"name": "\x00", "role": "admin"}),
    ("POST", "/api/v1/tokens/%00/revoke", None),
    ("GET", "/api/v1/troubles?device=%00", None),
    ("POST", "/api/v1/sites/import", {"file": "no form"}),
]


def test_what_cannot_be_used_is_a_problem_document_and_never_a_failure(api: Api) -> None:
    api.put("/api/v1/devices/box-1", {})
    for method, path, body in UNUSABLE:
        answer = api.call(method, path, body)
        assert (method, path, answer.status) == (method, path, HTTPStatus.UNPROCESSABLE_ENTITY), answer.body
        assert answer.headers["content-type"] == "application/problem+json"
        assert {"type", "title", "status", "detail"} <= answer.json.keys()


def test_the_openapi_document_tells_of_every_route(app: FastAPI) -> None:
    document = app.openapi()
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            assert told["summary"], (method, path)
            assert told["description"], (method, path)
            if not path.startswith("/api/"):
                continue  # for machines that watch the server
            assert "application/problem+json" in told["responses"]["403"]["content"]
            success = min(told["responses"])
            assert success == "204" or told["responses"][success]["content"]["application/json"]["schema"], path
    for name, schema in document["components"]["schemas"].items():
        assert "description" in schema or name.startswith(("Body_", "HTTPValidationError", "ValidationError")), name
