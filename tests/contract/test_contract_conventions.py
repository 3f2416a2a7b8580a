"""What every contract of the house keeps to: access, comments, ids, paging, limits, secrets, rules that compile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import protovalidate
import pytest
from buf.validate import validate_pb2
from google.protobuf import descriptor_pb2, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from cine.common.v1 import access_pb2

F = FieldDescriptor
WIDE = {F.TYPE_INT64, F.TYPE_UINT64, F.TYPE_FIXED64, F.TYPE_SFIXED64, F.TYPE_SINT64}
SECRET = re.compile(r"(^|_)(password|token|secret|code|codes|state|otpauth_uri)$")
NO_SECRET = {"page_token", "next_page_token", "state"}
TWINS = {
    "cine.catalog.v1.GetMovieResponse": "cine.common.v1.FilmCard",
    "cine.recommender.v1.MatchedMovie": "cine.common.v1.FilmCard",
    "cine.recommender.v1.ExplainingMovie": "cine.common.v1.FilmCard",
    "cine.identity.v1.UpdateProfileResponse": "cine.identity.v1.GetProfileResponse",
    "cine.identity.v1.GetPublicProfileResponse": "cine.identity.v1.GetProfileResponse",
    "cine.identity.v1.UpdatePreferencesResponse": "cine.identity.v1.GetPreferencesResponse",
    "cine.identity.v1.GetMeResponse": "cine.identity.v1.RegisterResponse",
    "cine.identity.v1.VerifyEmailResponse": "cine.identity.v1.RegisterResponse",
    **{
        f"cine.identity.v1.{name}Response": "cine.identity.v1.RefreshTokenResponse"
        for name in ("Login", "VerifySecondFactor", "HandleCallback", "FinishPasskeyLogin")
    },
    **{
        f"cine.identity.v1.{name}Response": "cine.identity.v1.ManagedUser"
        for name in ("GetUser", "SetRoles", "DisableUser", "EnableUser", "EndSessions", "ResetSecondFactor")
    },
    **{f"cine.ratings.v1.{name}Response": "cine.ratings.v1.Rating" for name in ("RateMovie", "GetMyRating")},
    **{
        f"cine.ratings.v1.{name}Response": "cine.ratings.v1.DiaryEntry"
        for name in ("CreateDiaryEntry", "UpdateDiaryEntry")
    },
    **{
        f"cine.ratings.v1.{name}Response": "cine.ratings.v1.Review"
        for name in ("CreateReview", "GetReview", "UpdateReview")
    },
    **{f"cine.ratings.v1.{name}Response": "cine.ratings.v1.Comment" for name in ("CreateComment", "UpdateComment")},
    **{
        f"cine.ratings.v1.{name}ImportResponse": "cine.ratings.v1.Import"
        for name in ("Upload", "Get", "Confirm", "Rollback")
    },
    "cine.ratings.v1.ResolveReportResponse": "cine.ratings.v1.Report",
    **{
        f"cine.watchlist.v1.{name}Response": "cine.watchlist.v1.WatchlistItem"
        for name in ("AddItem", "GetItem", "UpdateItem", "MoveItem", "MarkWatched")
    },
    **{f"cine.watchlist.v1.{name}ListResponse": "cine.watchlist.v1.MovieList" for name in ("Create", "Get", "Update")},
    **{f"cine.watchlist.v1.{name}ListItemResponse": "cine.watchlist.v1.ListItem" for name in ("Add", "Update", "Move")},
    "cine.watchlist.v1.GetCanonListResponse": "cine.watchlist.v1.CanonList",
    "cine.watchlist.v1.CreateListCommentResponse": "cine.watchlist.v1.ListComment",
    **{
        f"cine.watchlist.v1.{name}Response": "cine.watchlist.v1.FilmNight"
        for name in ("CreateFilmNight", "GetFilmNight", "JoinFilmNight", "AddCandidate", "CloseFilmNight")
    },
    "cine.recommender.v1.GetTrainingResponse": "cine.recommender.v1.StartTrainingResponse",
    "cine.aesthetic.v1.GetExtractionResponse": "cine.aesthetic.v1.StartExtractionResponse",
    "cine.sentiment.v1.BatchResult": "cine.sentiment.v1.AnalyzeTextResponse",
    "cine.sentiment.v1.GetBatchResponse": "cine.sentiment.v1.StartBatchResponse",
    "cine.sentiment.v1.GetMovieSentimentResponse": "cine.sentiment.v1.MovieSentiment",
}


def reachable(message: Descriptor) -> Iterator[Descriptor]:
    """Yields a message and every message of ours within it, each once."""
    seen: set[str] = set()
    waiting = [message]
    while waiting:
        one = waiting.pop()
        if one.full_name in seen or not one.full_name.startswith("cine."):
            continue
        seen.add(one.full_name)
        yield one
        waiting += [field.message_type for field in one.fields if field.message_type is not None]


def empty(message: Descriptor) -> Any:
    """Returns an instance with every field at its default."""
    return message_factory.GetMessageClass(message)()


def rules(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[validate_pb2.field]


def test_every_method_says_who_may_call_it(methods: dict[str, Any]) -> None:
    assert len(methods) > 150
    silent = [
        name
        for name, method in methods.items()
        if method.GetOptions().Extensions[access_pb2.access] == access_pb2.ACCESS_UNSPECIFIED
    ]
    assert not silent


def test_before_a_second_factor_is_set_up_only_that_can_be_done(methods: dict[str, Any]) -> None:
    identity = "cine.identity.v1"
    marked = {name for name, one in methods.items() if one.GetOptions().Extensions[access_pb2.before_second_factor]}
    assert marked == {
        *(f"{identity}.AuthService/{name}" for name in ("GetMe", "Logout")),
        *(f"{identity}.SecondFactorService/{name}" for name in ("GetSecondFactor", "EnrolTotp", "ConfirmTotp")),
        *(
            f"{identity}.PasskeyService/{name}"
            for name in ("BeginPasskeyRegistration", "FinishPasskeyRegistration", "ListPasskeys")
        ),
    }


def test_calls_of_the_mesh_alone_have_no_rest_form(routes: list[Any]) -> None:
    assert [route.call for route in routes if route.access == "SERVICE" and route.verb] == []
    inside = {"SERVICE"}
    open_without_rest = {route.call for route in routes if not route.verb and route.access not in inside}
    assert open_without_rest == {"cine.common.v1.StatusService/GetStatus"}


def test_administrators_paths_and_access_agree(routes: list[Any]) -> None:
    for route in routes:
        if route.path.startswith("/api/v1/admin/"):
            assert route.access == "ADMIN", route.call


def _uncommented(file: descriptor_pb2.FileDescriptorProto) -> list[str]:
    commented = {tuple(place.path) for place in file.source_code_info.location if place.leading_comments.strip()}
    wanted: dict[tuple[int, ...], str] = {}

    def of_enum(enum: descriptor_pb2.EnumDescriptorProto, path: tuple[int, ...]) -> None:
        wanted[path] = enum.name
        wanted.update({(*path, 2, i): f"{enum.name}.{value.name}" for i, value in enumerate(enum.value)})

    def of_message(message: descriptor_pb2.DescriptorProto, path: tuple[int, ...]) -> None:
        wanted[path] = message.name
        wanted.update({(*path, 2, i): f"{message.name}.{field.name}" for i, field in enumerate(message.field)})
        for i, nested in enumerate(message.nested_type):
            of_message(nested, (*path, 3, i))
        for i, enum in enumerate(message.enum_type):
            of_enum(enum, (*path, 4, i))

    for i, message in enumerate(file.message_type):
        of_message(message, (4, i))
    for i, enum in enumerate(file.enum_type):
        of_enum(enum, (5, i))
    for i, service in enumerate(file.service):
        wanted[(6, i)] = service.name
        wanted.update({(6, i, 2, j): f"{service.name}.{method.name}" for j, method in enumerate(service.method)})
    return [f"{file.name}: {name}" for path, name in wanted.items() if path not in commented]


def test_everything_is_commented(files: list[descriptor_pb2.FileDescriptorProto]) -> None:
    assert [name for file in files for name in _uncommented(file)] == []


def test_numbers_stay_numbers_in_json(methods: dict[str, Any], routes: list[Any]) -> None:
    """A 64-bit integer turns into a JSON string."""
    over_rest = {route.call for route in routes if route.verb}
    wide = {
        field.full_name
        for call in over_rest
        for side in (methods[call].input_type, methods[call].output_type)
        for message in reachable(side)
        for field in message.fields
        if field.type in WIDE
    }
    assert not wide


def test_ids_have_one_type_each(messages: dict[str, Descriptor]) -> None:
    for message in messages.values():
        for field in message.fields:
            if re.search(r"(^|_)movie_ids?$", field.name) or field.name == "tmdb_id":
                assert field.type == F.TYPE_INT32, field.full_name
            elif re.search(r"_ids?$", field.name):
                assert field.type == F.TYPE_STRING, field.full_name


def test_lists_are_paged_alike(methods: dict[str, Any], routes: list[Any]) -> None:
    paged = 0
    for call in {route.call for route in routes if route.verb == "GET"}:
        request, answer = methods[call].input_type.fields_by_name, methods[call].output_type.fields_by_name
        assert ("page_size" in request) == ("page_token" in request) == ("next_page_token" in answer), call
        if "page_size" in request:
            paged += 1
            limits = rules(request["page_size"]).int32
            assert (limits.gte, limits.lte, request["page_size"].type) == (0, 100, F.TYPE_INT32), call
    assert paged > 25


def test_whatever_comes_in_has_a_limit(methods: dict[str, Any]) -> None:
    """No text and no list of a request is unbounded: the body limit of the gateway does not guard native gRPC."""
    unlimited = set()
    for method in methods.values():
        for message in reachable(method.input_type):
            for field in message.fields:
                rule = rules(field)
                if field.is_repeated and not rule.repeated.HasField("max_items"):
                    unlimited.add(field.full_name)
                text = rule.repeated.items.string if field.is_repeated else rule.string
                bounded = text.HasField("max_len") or text.HasField("pattern") or len(getattr(text, "in"))
                if field.type == F.TYPE_STRING and not bounded:
                    unlimited.add(field.full_name)
    assert not unlimited


def test_updates_know_etag_or_are_named(methods: dict[str, Any], routes: list[Any]) -> None:
    """A PUT that changes part of something takes an etag and names what it changes, save for the few that replace one thing."""
    whole = {"SetRoles", "CastVote", "ResolveImportRow", "UpdateCollaborator", "UpdateListItem", "UpdateComment"}
    for route in routes:
        if route.verb != "PUT":
            continue
        fields = methods[route.call].input_type.fields_by_name
        name = route.call.split("/")[1]
        if name in whole:
            continue
        assert "etag" in fields, route.call
        mask = fields["update_mask"]
        named = set(getattr(rules(mask).field_mask, "in"))
        own = set(fields) - {"etag", "update_mask"} - set(re.findall(r"\{([^}]*)\}", route.path))
        assert named == own, route.call
        # presence is what tells "not sent" from "empty"
        plain = [f for f in own if not fields[f].has_presence and not fields[f].is_repeated]
        assert not plain, route.call


def test_creates_can_be_repeated_safely(methods: dict[str, Any], routes: list[Any]) -> None:
    creating = re.compile(r"/(Create|Add|Start(?!Link)|Upload|Send|Rate|Invite)")
    exempt = {"cine.watchlist.v1.FilmNightService/AddCandidate"}  # adding the same film again changes nothing
    found = {route.call for route in routes if route.verb == "POST" and creating.search(route.call)} - exempt
    assert len(found) >= 14
    assert {call for call in found if "request_id" not in methods[call].input_type.fields_by_name} == set()


def test_secrets_are_marked_so_that_no_log_prints_them(messages: dict[str, Descriptor]) -> None:
    open_secrets = {
        field.full_name
        for message in messages.values()
        for field in message.fields
        if field.type == F.TYPE_STRING
        and SECRET.search(field.name)
        and (field.name not in NO_SECRET or field.containing_type.full_name == "cine.identity.v1.AuthorizeResponse")
        and not field.GetOptions().debug_redact
    }
    assert not open_secrets


def test_rules_compile_and_judge(messages: dict[str, Descriptor]) -> None:
    """A rule that does not compile would turn every call of its method into INTERNAL."""
    refused = 0
    for message in messages.values():
        try:
            protovalidate.validate(empty(message))
        except protovalidate.ValidationError:
            refused += 1
    assert refused > 60


def test_rules_over_a_message_name_the_field_to_blame(messages: dict[str, Descriptor]) -> None:
    seen = 0
    for message in messages.values():
        for rule in message.GetOptions().Extensions[validate_pb2.message].cel:
            seen += 1
            assert rule.id.split(".")[0] in message.fields_by_name, f"{message.full_name}: {rule.id}"
            assert rule.message, rule.id
            # CEL is not checked against the message before it runs, and `error || true` hides a misspelt field
            unknown = set(re.findall(r"\bthis\.(\w+)", rule.expression)) - set(message.fields_by_name)
            assert not unknown, f"{message.full_name}: {rule.id}"
    assert seen > 20


def test_pieces_of_a_client_stream_pass_without_the_fields_of_the_first(methods: dict[str, Any]) -> None:
    """Envoy sends path and query with the first message only, and every message is validated."""
    streaming = [method for method in methods.values() if method.client_streaming]
    assert streaming
    for method in streaming:
        protovalidate.validate(empty(method.input_type))


@pytest.mark.parametrize(("answer", "resource"), TWINS.items(), ids=[name.rpartition(".")[2] for name in TWINS])
def test_flat_answers_have_the_fields_of_the_resource_under_the_same_numbers(
    answer: str, resource: str, messages: dict[str, Descriptor]
) -> None:
    """So that a servicer can turn one into the other without copying field by field."""
    of_resource = {field.number: field for field in messages[resource].fields}
    shared = 0
    for field in messages[answer].fields:
        if (twin := of_resource.get(field.number)) is not None:
            assert (field.name, field.type, field.is_repeated, field.has_presence) == (
                twin.name,
                twin.type,
                twin.is_repeated,
                twin.has_presence,
            ), field.full_name
            shared += 1
    partial = {"cine.recommender.v1.ExplainingMovie", "cine.identity.v1.GetPublicProfileResponse"}
    assert shared == len(of_resource) or answer in partial
