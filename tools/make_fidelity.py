"""Write docs/fidelity.md from the engine's `Assumed:` comments and the operations it lacks.

Usage: python tools/make_fidelity.py [--check]
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from customer_profiles import _wire
from customer_profiles.engine.service import registry

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/fidelity.md"
PACKAGE = ROOT / "src/customer_profiles"
ENGINE = PACKAGE / "engine"
SHARED = [
    PACKAGE / name
    for name in ("_timestamps.py", "_type_rules.py", "_flow_rules.py", "_standard_objects.py")
]
# The heading of each module's assumptions.
TITLES = {
    "operations/profiles.py": "Profiles and search",
    "operations/domains.py": "Domains",
    "operations/tags.py": "Tags",
    "operations/object_types.py": "Object types",
    "operations/profile_objects.py": "Objects",
    "operations/history.py": "History",
    "operations/integrations.py": "Integrations",
    "documents.py": "Named documents",
    "operations/layouts.py": "Domain layouts",
    "operations/calculated_attributes.py": "Calculated attributes",
    "audiences/attribute_definitions.py": "Definitions of calculated attributes",
    "audiences/default_attributes.py": "Default calculated attributes",
    "audiences/expressions.py": "Expressions of calculated attributes",
    "audiences/calculated_attributes.py": "Values of calculated attributes",
    "audiences/predicates.py": "Operators of conditions",
    "operations/event_streams.py": "Event streams",
    "events/streams.py": "Records of event streams",
    "events/feed.py": "Changes that make records",
    "operations/attributes.py": "Lists of attributes",
    "audiences/statistics.py": "Attributes, values and statistics",
    "operations/upload_jobs.py": "Upload jobs",
    "uploads/fields.py": "Fields of upload jobs",
    "uploads/spool.py": "Uploaded files",
    "uploads/reading.py": "Reading of uploaded files",
    "uploads/importing.py": "Import of rows",
    "uploads/steps.py": "States of upload jobs",
    "operations/segments.py": "Segments",
    "audiences/segment_groups.py": "Conditions of segments",
    "audiences/segments.py": "Members of segments",
    "audiences/snapshots.py": "Snapshots of segments",
    "audiences/snapshot_files.py": "Files of snapshots",
    "flows/definitions.py": "Flows",
    "flows/tasks.py": "Tasks of flows",
    "flows/operators.py": "Operators of tasks",
    "flows/schedules.py": "Schedules of flows",
    "flows/files.py": "Files of flows",
    "flows/runs.py": "Runs of flows",
    "ingestion/dead_letter_queue.py": "Queues of dead letters",
    "operations/merging.py": "Merging",
    "operations/matches.py": "Matches and jobs",
    "matching/jobs.py": "Identity resolution jobs",
    "matching/job_run.py": "Matches of identity resolution jobs",
    "matching/machine.py": "Machine matching",
    "matching/export.py": "Exports of matches",
    "matching/consolidation.py": "Auto-merging",
    "matching/rules.py": "Rule-based matching",
    "matching/rule_matches.py": "Matches by rules",
    "matching/rule_keys.py": "Rules",
    "matching/index.py": "Matching one record",
    "profiles/expiry.py": "Expiry",
    "profiles/search.py": "Search",
    "profiles/owned_keys.py": "Profiles as objects",
    "profiles/history.py": "Records of the history",
    "profiles/access.py": "Missing domains and profiles",
    "service/tagging.py": "Tags in answers",
    "ingestion/put.py": "Delayed ingestion",
    "profiles/merged_values.py": "Whose values a merge keeps",
    "profiles/merging.py": "What a merge makes",
    "ingestion/intake.py": "Ingestion",
    "profiles/provenance.py": "Values of several sources",
    "ingestion/compiled_types.py": "Implicit object types",
    "ingestion/mapping.py": "Mappings",
    "ingestion/sources.py": "Sources of fields",
    "ingestion/targets.py": "Targets of fields",
    "ingestion/values.py": "Values of objects",
    "ingestion/handlebars.py": "Handlebars",
    "_timestamps.py": "Timestamps",
    "_type_rules.py": "Rules of object types",
    "_flow_rules.py": "Types of tasks",
    "_standard_objects.py": "Standard objects",
    "ingestion/templates.py": "Templates",
    "ingestion/detection.py": "Detection of object types",
    "profiles/keys.py": "Keys",
    "profiles/changes.py": "Updates",
    "service/paging.py": "Page tokens",
    "service/protocol.py": "Requests",
    "service/refusals.py": "Errors",
    "__init__.py": "Answers",
    "doors/application.py": "Limits of a server",
    "doors/signing.py": "Signatures of a server",
    "doors/scopes.py": "Accounts and regions of a server",
}
HEAD = """\
# Fidelity

The engine follows the service's own description (shapes, lengths, patterns and enums, which it
reads from botocore at run time) and AWS's documentation. This page lists what neither of them says
and the engine assumes. It is generated from comments in the source, each beside the code that
depends on it. If you know that AWS behaves differently, please open an issue.

## What differs by design

- What is written is visible at once. On AWS, searches find a new profile, and ingestion assigns an
  object to its profile, a little later. `CustomerProfiles.embedded(ingestion_delay=5)` delays
  ingestion by five seconds, for tests of code that must wait.
- The engine has the service's limits of number and size (`Quotas`), but does not throttle: it
  answers any number of requests a second.
- Signatures and credentials are checked only by a server with `--auth`, and permissions are not;
  nothing is encrypted with KMS keys.
- The ids that the engine makes are UUIDs of version 4 by their form. They begin with the time of
  their creation, so they sort by it, which ids of the service do not.
- An operation that is not built yet is answered with status 501 and the code
  `NotImplementedException`, which the service does not have.
- Errors have their text as `message` and as `Message`, so that every SDK finds it.
"""


def assumptions(path: Path) -> list[str]:
    """Return the assumptions of a module, each one sentence; a comment may have several lines."""
    found: list[str] = []
    continues = False
    for line in path.read_text().splitlines():
        comment = re.search(r"#\s?(.*)$", line)
        text = comment.group(1).strip() if comment else ""
        if "Assumed:" in text:
            found.append(text.split("Assumed:", 1)[1].strip())
        elif continues and text:
            found[-1] += f" {text}"
        continues = bool(comment) and bool(found) and not found[-1].endswith(".")
    return found


def by_module() -> dict[str, list[str]]:
    """Return the assumptions of the modules that have any, by the paths that `TITLES` uses."""
    paths = sorted([*ENGINE.rglob("*.py"), *SHARED])
    homes = {path: ENGINE if path.is_relative_to(ENGINE) else PACKAGE for path in paths}
    return {
        path.relative_to(homes[path]).as_posix(): found
        for path in paths
        if (found := assumptions(path))
    }


def problems() -> list[str]:
    """Return what is wrong with titles and assumptions, each with what to write where."""
    modules = by_module()
    this = "TITLES in tools/make_fidelity.py"
    return [
        *(
            f'{name} has `# Assumed:` comments and no title: add `"{name}": "..."` to {this}'
            for name in modules
            if name not in TITLES
        ),
        *(
            f"{name} has no `# Assumed:` comment: remove its line from {this}"
            for name in TITLES
            if name not in modules
        ),
        *(
            f"{name}: write a full stop at the end of `# Assumed: {text}`"
            for name, found in modules.items()
            for text in found
            if not text.endswith(".")
        ),
    ]


def page() -> str:
    """Return the text of the page."""
    parts = [HEAD]
    for name, found in by_module().items():
        parts.append(f"## {TITLES.get(name, name)}\n")
        parts.append("".join(f"- {text[0].upper()}{text[1:]}\n" for text in found))
    built = sorted(registry.OPERATIONS)
    missing = sorted(set(_wire.service().operation_names) - set(built))
    parts.append(f"## Operations\n\nThe engine has {len(built)} operations:\n")
    parts.append(_listed(built))
    parts.append(f"It refuses {len(missing)} operations, which are not built yet:\n")
    parts.append(_listed(missing))
    return "\n".join(parts)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) + ".\n"


def main() -> None:
    """Write the page; with `--check`, exit with an error if it is out of date."""
    if found := problems():
        sys.exit("\n".join(found))
    if "--check" not in sys.argv:
        PAGE.write_text(page())
    elif not PAGE.exists() or PAGE.read_text() != page():
        sys.exit("docs/fidelity.md is out of date; run: python tools/make_fidelity.py")


if __name__ == "__main__":
    main()
