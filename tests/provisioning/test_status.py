"""What ends when, and how loudly it is told."""

from datetime import UTC, datetime, timedelta

import pytest

from haven_provisioning.ca import Role
from haven_provisioning.registry import Issued
from haven_provisioning.status import Urgency, authority_finding, certificate_findings, revocation_list_finding

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def issued(role: Role, name: str, days: float, *, revoked: bool = False) -> Issued:
    return Issued(
        serial=1,
        role=role,
        name=name,
        key_sha256="00",
        issued_at=NOW,
        expires_at=NOW + timedelta(days=days),
        revoked_at=NOW if revoked else None,
    )


@pytest.mark.parametrize(
    ("days", "urgency"),
    [
        (30, Urgency.GOOD),
        (25, Urgency.GOOD),
        (24.9, Urgency.SOON),
        (0.01, Urgency.SOON),
        (0, Urgency.NOW),
        (-9, Urgency.NOW),
    ],
)
def test_a_list_that_is_not_renewed_daily_is_told_weeks_before_it_locks_out(days: float, urgency: Urgency) -> None:
    finding = revocation_list_finding(NOW + timedelta(days=days), NOW)
    assert finding.urgency is urgency
    assert ("crl renew" in finding.remedy) == (urgency is not Urgency.GOOD)


@pytest.mark.parametrize(
    ("role", "days", "urgency"),
    [
        (Role.DEVICE, 15, Urgency.GOOD),
        (Role.DEVICE, 13, Urgency.SOON),
        (Role.DEVICE, -1, Urgency.NOW),
        (Role.BROKER, 61, Urgency.GOOD),
        (Role.BROKER, 59, Urgency.SOON),
        (Role.SERVER, -1, Urgency.NOW),
    ],
)
def test_a_certificate_is_told_in_time(role: Role, days: float, urgency: Urgency) -> None:
    [finding] = certificate_findings([issued(role, "x", days)], NOW)
    assert finding.urgency is urgency


def test_of_several_certificates_the_longest_counts_and_revoked_ones_do_not() -> None:
    findings = certificate_findings(
        [
            issued(Role.DEVICE, "box-1", -5),
            issued(Role.DEVICE, "box-1", 80),
            issued(Role.DEVICE, "box-1", 3),
            issued(Role.DEVICE, "box-2", -5, revoked=True),
        ],
        NOW,
    )
    assert [(finding.what, finding.urgency) for finding in findings] == [("box box-1", Urgency.GOOD)]


def test_an_authority_is_told_years_ahead() -> None:
    assert authority_finding("device-ca", NOW + timedelta(days=729), NOW).urgency is Urgency.SOON
    assert authority_finding("device-ca", NOW + timedelta(days=731), NOW).urgency is Urgency.GOOD
