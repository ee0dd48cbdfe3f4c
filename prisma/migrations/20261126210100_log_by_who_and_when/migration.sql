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

CREATE OR REPLACE FUNCTION cadre_erase_events(
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
