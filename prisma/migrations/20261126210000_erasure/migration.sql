-- A person is forgotten, and the log stays an audit trail.
--
-- ------------------------------------------------------------------ the chain, second version
--   digest   = sha256(salt || what was told)      data, changes and origin: the part that may be erased
--   skeleton = sha256(who, when, what, to which thing, in which run, of which cause)
--   hash     = sha256(hash of the event before it in its workspace || position as 8 bytes || skeleton || digest)
--
-- So what stays of an erased event is bound by its hash: erasing cannot be used to change who did something, or when. Events
-- that were logged before keep their version, and a digest over everything: once erased, only their place is vouched for.
ALTER TABLE "event_log"
  ADD COLUMN "chain_version" SMALLINT NOT NULL DEFAULT 1,
  ADD COLUMN "erased_at" TIMESTAMPTZ(3),
  ADD COLUMN "erased_by" BIGINT;

CREATE FUNCTION cadre_event_skeleton(
  outbox_id bigint, workspace_id uuid, type text, subject_type text, subject_id uuid, subject_version integer, actor jsonb,
  run_id uuid, cause_id bigint, depth integer, occurred_at timestamptz
) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to(jsonb_build_array(
    2, outbox_id, workspace_id, type, subject_type, subject_id, subject_version, actor, run_id, cause_id, depth,
    (extract(epoch FROM occurred_at) * 1000)::bigint
  )::text, 'UTF8')
$$;
CREATE FUNCTION cadre_event_told(data jsonb, changes jsonb, origin jsonb) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to(jsonb_build_array(data, changes, origin)::text, 'UTF8')
$$;

CREATE OR REPLACE FUNCTION cadre_sequence(lock_key bigint, floor bigint, notify boolean)
  RETURNS TABLE (count int, head bigint, last_id bigint)
  -- By the index above the floor and in its order, whatever the table's statistics say: while a backup holds old rows the
  -- table is long, and a backlog is not read once per batch.
  LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(lock_key);
  WITH moved AS (
    -- A range, not a join: whatever the statistics say, a batch is read from the index once. As `id IN (...)` it was
    -- joined row by row while they said the table was empty, 12 s for a batch of a backlog of 9,000.
    DELETE FROM public.event_outbox WHERE id > floor AND id <= (
      SELECT max(b.id) FROM (SELECT o.id FROM public.event_outbox o WHERE o.id > floor ORDER BY o.id LIMIT 2000) b
    ) RETURNING *
  ), placed AS (
    SELECT nextval('public.event_log_position_seq') AS position, uuid_send(gen_random_uuid()) AS salt, m.*
      FROM (SELECT * FROM moved ORDER BY id) m
  ), digested AS (
    SELECT p.*, sha256(p.salt || public.cadre_event_told(p.data, p.changes, p.origin)) AS digest,
           sha256(public.cadre_event_skeleton(
             p.id, p.workspace_id, p.type, p.subject_type, p.subject_id, p.subject_version, p.actor, p.run_id, p.cause_id,
             p.depth, p.occurred_at)) AS skeleton
      FROM placed p
  ), before AS MATERIALIZED (
    -- Once for each workspace, and written so that the index on (workspace_id, position) alone can answer it: asked for a
    -- workspace's last event, PostgreSQL may walk the whole log backwards for one that has none.
    SELECT w.workspace_id, CASE WHEN l.workspace_id = w.workspace_id THEN l.hash END AS hash
      FROM (SELECT DISTINCT placed.workspace_id FROM placed) w
      LEFT JOIN LATERAL (
        SELECT e.workspace_id, e.hash FROM public.event_log e
         WHERE (e.workspace_id, e.position) <= (w.workspace_id, 9223372036854775807)
         ORDER BY e.workspace_id DESC, e.position DESC LIMIT 1
      ) l ON true
  ), logged AS (
    INSERT INTO public.event_log (position, outbox_id, workspace_id, type, subject_type, subject_id, subject_version, actor,
                                  run_id, cause_id, depth, data, changes, origin, occurred_at, chain_version, salt, digest,
                                  hash, actor_kind, actor_id, request_id)
    SELECT d.position, d.id, d.workspace_id, d.type, d.subject_type, d.subject_id, d.subject_version, d.actor, d.run_id,
           d.cause_id, d.depth, d.data, d.changes, d.origin, d.occurred_at, 2, d.salt, d.digest,
           public.cadre_chain(b.hash, d.position, d.skeleton || d.digest) OVER (PARTITION BY d.workspace_id ORDER BY d.position),
           d.actor ->> 'kind', d.actor ->> 'id', d.origin ->> 'requestId'
      FROM digested d JOIN before b ON b.workspace_id = d.workspace_id
    RETURNING position, outbox_id
  )
  SELECT count(*)::int, max(l.position), max(l.outbox_id) INTO count, head, last_id FROM logged l;
  IF notify AND count > 0 THEN
    PERFORM pg_notify('cadre_events', '');
  END IF;
  RETURN NEXT;
END
$$;

-- An event has its salt, or it was erased and says nothing any more. From before there was a chain it has neither.
ALTER TABLE "event_log" DROP CONSTRAINT "event_log_chained";
DO $$
BEGIN
  EXECUTE format(
    'ALTER TABLE "event_log" ADD CONSTRAINT "event_log_chained" CHECK (
       position <= %s OR (octet_length(digest) = 32 AND octet_length(hash) = 32
                          AND (octet_length(salt) = 16 OR (salt IS NULL AND erased_at IS NOT NULL))) IS TRUE)',
    (SELECT coalesce(max(position), 0) FROM "event_log" WHERE "hash" IS NULL)
  );
END
$$;
ALTER TABLE "event_log"
  ADD CONSTRAINT "event_log_chain_version" CHECK (chain_version IN (1, 2)),
  ADD CONSTRAINT "event_log_erased" CHECK (
    (erased_at IS NULL) = (erased_by IS NULL)
    AND (erased_at IS NULL OR (salt IS NULL AND data = '{}' AND changes = '[]' AND origin = '{}')));
CREATE INDEX event_log_erased_by ON "event_log" (workspace_id, erased_by) WHERE erased_by IS NOT NULL;

REVOKE ALL ON FUNCTION cadre_event_skeleton, cadre_event_told FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cadre_event_skeleton, cadre_event_told TO cadre_app, cadre_system;

-- The one way to take something out of the log. It takes out what was told and nothing else, and only in the name of a
-- request that stands in the log itself. `kept`: types that outlive it, each with the changed fields that are prose; an event
-- of such a type in which none of them changed stays as it is.
CREATE FUNCTION cadre_erase_events(
  workspace uuid, request bigint, subjects uuid[], runs uuid[], kept jsonb, most int
) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  erased int;
BEGIN
  IF NOT EXISTS (
    SELECT FROM public.event_log e
     WHERE e.outbox_id = request AND e.workspace_id = workspace AND e.type LIKE '%.erasure\_requested'
  ) OR EXISTS (
    -- What has been certified is over: its request erases nothing more.
    SELECT FROM public.erasure r
     WHERE r.request_outbox_id = request AND r.workspace_id = workspace AND r.status = 'SUCCEEDED'
  ) THEN
    RAISE EXCEPTION 'the log knows no request % of this workspace to erase anything', request
      USING ERRCODE = 'insufficient_privilege';
  END IF;
  UPDATE public.event_log l
     SET data = '{}', changes = '[]', origin = '{}', request_id = NULL, salt = NULL, erased_at = clock_timestamp(), erased_by = request
   WHERE l.position = ANY (ARRAY(
     SELECT found.position FROM (
       SELECT e.position, e.type, e.changes FROM unnest(subjects) AS subject(id)
         JOIN public.event_log e ON e.workspace_id = workspace AND e.subject_id = subject.id
        WHERE e.erased_at IS NULL
       UNION ALL
       SELECT e.position, e.type, e.changes FROM unnest(runs) AS run(id)
         JOIN public.event_log e ON e.workspace_id = workspace AND e.run_id = run.id
        WHERE e.erased_at IS NULL
     ) AS found
     WHERE NOT kept ? found.type
        OR EXISTS (SELECT FROM jsonb_array_elements(found.changes) AS change
                    WHERE kept -> found.type ? (change ->> 'field'))
     LIMIT most
   ));
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END
$$;
REVOKE ALL ON FUNCTION cadre_erase_events FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cadre_erase_events TO cadre_system;

-- ------------------------------------------------------------------ who, when and in which request
-- The log by who, when and in which request. These are what `actor` and `origin` say, as columns that an index can hold: an
-- operator on JSON is not leakproof, so under a policy no index on an expression would be used.
ALTER TABLE "event_log"
  ADD COLUMN "actor_kind" TEXT,
  ADD COLUMN "actor_id" TEXT,
  ADD COLUMN "request_id" TEXT;
UPDATE "event_log" SET "actor_kind" = "actor" ->> 'kind', "actor_id" = "actor" ->> 'id', "request_id" = "origin" ->> 'requestId';
-- The chain is over `actor` and `origin`: what is looked for must not say something else.
ALTER TABLE "event_log" ADD CONSTRAINT "event_log_columns" CHECK (
  actor_kind IS NOT DISTINCT FROM actor ->> 'kind' AND actor_id IS NOT DISTINCT FROM actor ->> 'id'
  AND request_id IS NOT DISTINCT FROM origin ->> 'requestId');
CREATE INDEX "event_log_workspace_id_actor_kind_position_idx" ON "event_log"("workspace_id", "actor_kind", "position");
CREATE INDEX "event_log_workspace_id_actor_id_position_idx" ON "event_log"("workspace_id", "actor_id", "position");
CREATE INDEX "event_log_workspace_id_request_id_position_idx" ON "event_log"("workspace_id", "request_id", "position");
CREATE INDEX "event_log_workspace_id_occurred_at_position_idx" ON "event_log"("workspace_id", "occurred_at", "position");

-- ------------------------------------------------------------------ what was a person
ALTER TABLE "contact" ADD COLUMN "erased_at" TIMESTAMPTZ(3);
ALTER TABLE "submission" ADD COLUMN "erased_at" TIMESTAMPTZ(3);
ALTER TABLE "run" ADD COLUMN "erased_at" TIMESTAMPTZ(3);
ALTER TABLE "contact" ADD CONSTRAINT contact_erased CHECK (
  erased_at IS NULL OR num_nonnulls(name, email, phone, company_name, external_reference) = 0);
-- By whom something was sent to a person outside of their own submissions.
CREATE INDEX effect_by_target ON "effect" (workspace_id, target) WHERE target <> '';
CREATE INDEX submission_rejection_by_email ON "submission_rejection" (workspace_id, email_normalised)
  WHERE email_normalised IS NOT NULL;
GRANT UPDATE (email_normalised, address_hash) ON "submission_rejection" TO cadre_app;

-- ------------------------------------------------------------------ erasures and their certificates
CREATE TABLE "erasure" (
  "workspace_id" UUID NOT NULL,
  "id" UUID NOT NULL,
  "subject_type" TEXT NOT NULL,
  "subject_id" UUID NOT NULL,
  "status" TEXT NOT NULL DEFAULT 'QUEUED',
  "reason" TEXT,
  "requested_by" JSONB NOT NULL,
  "requested_at" TIMESTAMPTZ(3) NOT NULL,
  "request_outbox_id" BIGINT NOT NULL,
  "traces" JSONB,
  "counts" JSONB NOT NULL DEFAULT '{}',
  "attempts" INTEGER NOT NULL DEFAULT 0,
  "next_try_at" TIMESTAMPTZ(3) NOT NULL DEFAULT now(),
  "finished_at" TIMESTAMPTZ(3),
  "document" TEXT,
  "digest" TEXT,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

  CONSTRAINT "erasure_pkey" PRIMARY KEY ("workspace_id", "id"),
  CONSTRAINT erasure_subject CHECK (subject_type IN ('contact')),
  CONSTRAINT erasure_status CHECK (status IN ('QUEUED', 'RUNNING', 'SUCCEEDED')),
  -- What is looked for is itself personal: it goes with the last of it.
  CONSTRAINT erasure_finished CHECK (
    (status = 'SUCCEEDED') = (finished_at IS NOT NULL AND document IS NOT NULL AND digest IS NOT NULL AND traces IS NULL))
);
CREATE UNIQUE INDEX "erasure_workspace_id_subject_type_subject_id_key" ON "erasure"("workspace_id", "subject_type", "subject_id");
CREATE INDEX "erasure_workspace_id_requested_at_id_idx" ON "erasure"("workspace_id", "requested_at", "id");
CREATE INDEX erasure_due ON "erasure" (next_try_at) WHERE status <> 'SUCCEEDED';
ALTER TABLE "erasure" ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON "erasure" USING (workspace_id = (SELECT nullif(current_setting('app.workspace_id', true), '')::uuid));
CREATE POLICY system ON "erasure" FOR SELECT TO cadre_system USING (true);
GRANT SELECT, INSERT, UPDATE ON "erasure" TO cadre_app;
GRANT SELECT (workspace_id, id, status, next_try_at) ON "erasure" TO cadre_system;
