"""Upload jobs: create, start and stop them, read and list them, and get the path for a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from customer_profiles.engine import background
from customer_profiles.engine.profiles.access import domain_row
from customer_profiles.engine.service.refusals import bad_request, not_found
from customer_profiles.engine.service.registry import operation
from customer_profiles.engine.store import upload_jobs as store
from customer_profiles.engine.uploads import location, spool, steps
from customer_profiles.engine.uploads.fields import compile_fields

if TYPE_CHECKING:
    from customer_profiles._wire import Wire
    from customer_profiles.engine.service.context import Context
    from customer_profiles.engine.store.database import Connection

# AG:customer-segments-imported-files: imported profiles expire after 14 days by default.
_EXPIRY_DAYS = 14


@operation("CreateUploadJob")
def create_upload_job(context: Context, request: Wire) -> Wire:
    """Store a new job, whose file is uploaded next."""
    fields, unique_key = request["Fields"], request["UniqueKey"]
    compile_fields(fields, unique_key)
    steps.sweep(context)
    job_id = context.clock.new_profile_id()
    with context.database.write() as connection:
        domain = domain_row(connection, request["DomainName"])
        # Assumed: the DisplayName of an upload job need not be unique.
        job = store.UploadJob(
            id=0,
            domain=domain.id,
            job_id=job_id,
            name=request["DisplayName"],
            fields=fields,
            unique_key=unique_key,
            expiry_days=request.get("DataExpiry", _EXPIRY_DAYS),
            status=store.CREATED,
            reason=None,
            created=_now(context),
            completed=None,
            valid_until=None,
            results=store.Results(),
        )
        store.insert(connection, job)
    return {"JobId": job_id}


@operation("GetUploadJob", read_only=True)
def get_upload_job(context: Context, request: Wire) -> Wire:
    """Describe a job, with the number of records that were imported so far."""
    with context.database.read() as connection:
        job = _job(connection, request)
    results = job.results
    return {
        **_described(job),
        "Fields": job.fields,
        "UniqueKey": job.unique_key,
        "ResultsSummary": {
            "UpdatedRecords": results.updated,
            "CreatedRecords": results.created,
            "FailedRecords": results.failed,
        },
    }


@operation("GetUploadJobPath")
def get_upload_job_path(context: Context, request: Wire) -> Wire:
    """Return the URL that the file of a job is put to, and the key to send with it."""
    now = _now(context)
    until = int(now) + spool.VALID_SECONDS
    with context.database.write() as connection:
        job = _job(connection, request)
        # Assumed: the path of a job that was started is refused.
        _check_state(job, "gets no file any more", store.CREATED)
        store.change(connection, job, valid_until=until)
    job_key = spool.key_of(context, job.job_id)
    return {
        "Url": _url(context, job.job_id, until, job_key),
        "ClientToken": spool.token_of(job_key),
        "ValidUntil": until,
    }


def _url(context: Context, job_id: str, until: int, job_key: bytes) -> str:
    folder = location.parse(context.upload_uri)
    if folder is not None:
        seconds = spool.VALID_SECONDS
        return context.aws.presigned_put(folder.bucket, folder.key(job_id), job_key, seconds)
    base = spool.door()
    if base is not None:
        return spool.signed_url(context, base, job_id, until)
    return context.spool.file(job_id).as_uri()


@operation("StartUploadJob")
def start_upload_job(context: Context, request: Wire) -> Wire:
    """Start the import of a job's file; it continues after the answer."""
    with context.database.write() as connection:
        job = _job(connection, request)
        # Assumed: only a job that is CREATED can be started.
        _check_state(job, "cannot be started", store.CREATED)
        steps.begin(connection, job)
    # Assumed: a job without a file is started, and fails.
    background.start(context)
    return {}


@operation("StopUploadJob")
def stop_upload_job(context: Context, request: Wire) -> Wire:
    """Stop a job; what was imported stays."""
    with context.database.write() as connection:
        job = _job(connection, request)
        # Assumed: only a job that is CREATED or IN_PROGRESS can be stopped.
        _check_state(job, "cannot be stopped", store.CREATED, store.IN_PROGRESS)
        steps.stop(context, connection, job)
    steps.clean(context, [job.job_id])
    return {}


@operation("ListUploadJobs", read_only=True)
def list_upload_jobs(context: Context, request: Wire) -> Wire:
    """List the jobs of a domain, the newest first."""
    with context.database.read() as connection:
        domain = domain_row(connection, request["DomainName"]).id
        # Assumed: upload jobs are listed with the newest first, and are kept.
        found, token = context.pages.read_page(
            ["upload jobs", domain],
            request,
            lambda before, most: store.page(connection, domain, before, most),
            lambda job: job.id,
            start=store.NEWEST,
        )
    return {"Items": [_described(job) for job in found], "NextToken": token}


def _job(connection: Connection, request: Wire) -> store.UploadJob:
    domain = domain_row(connection, request["DomainName"])
    job = store.find(connection, request["JobId"])
    if job is None or job.domain != domain.id:
        raise not_found("The domain has no upload job with this id")
    return job


def _check_state(job: store.UploadJob, what: str, *states: str) -> None:
    if job.status not in states:
        raise bad_request(f"The upload job {what}: it is {job.status}, not {' or '.join(states)}")


def _described(job: store.UploadJob) -> Wire:
    optional = {"StatusReason": job.reason, "CompletedAt": job.completed}
    return {
        "JobId": job.job_id,
        "DisplayName": job.name,
        "Status": job.status,
        "CreatedAt": job.created,
        "DataExpiry": job.expiry_days,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _now(context: Context) -> float:
    return round(context.clock.now(), 3)
