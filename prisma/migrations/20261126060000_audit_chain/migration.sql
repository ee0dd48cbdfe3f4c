-- The log is an audit trail: whoever changes what is written in it breaks a chain of digests.
--
--   digest = sha256(salt || content)                what an event says, as cadre_event_content writes it
--   hash   = sha256(hash of the event before it in its workspace || position as 8 bytes || digest)
--
-- Writers know nothing of it: the sequencer, which alone gives out positions, chains what it moves. The salt is there so
-- that content can be erased one day without its digest giving it away.
ALTER TABLE "event_log" ADD COLUMN "digest" BYTEA;

CREATE FUNCTION cadre_event_content(
  outbox_id bigint, workspace_id uuid, type text, subject_type text, subject_id uuid, subject_version integer, actor jsonb,
  run_id uuid, cause_id bigint, depth integer, data jsonb, changes jsonb, origin jsonb, occurred_at timestamptz
) RETURNS bytea LANGUAGE sql STABLE AS $$
  SELECT convert_to(jsonb_build_array(
    outbox_id, workspace_id, type, subject_type, subject_id, subject_version, actor, run_id, cause_id, depth, data, changes,
    origin, (extract(epoch FROM occurred_at) * 1000)::bigint
  )::text, 'UTF8')
$$;

CREATE FUNCTION cadre_link(state bytea, before bytea, "position" bigint, digest bytea) RETURNS bytea
  LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT sha256(coalesce(state, before, ''::bytea) || int8send("position") || digest)
$$;
-- As a window function: the running hash of each workspace's events, in their order, from the hash before the first.
CREATE AGGREGATE cadre_chain(before bytea, "position" bigint, digest bytea) (SFUNC = cadre_link, STYPE = bytea);

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
    SELECT p.*, sha256(p.salt || public.cadre_event_content(
             p.id, p.workspace_id, p.type, p.subject_type, p.subject_id, p.subject_version, p.actor, p.run_id, p.cause_id,
             p.depth, p.data, p.changes, p.origin, p.occurred_at)) AS digest
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
                                  run_id, cause_id, depth, data, changes, origin, occurred_at, salt, digest, hash)
    SELECT d.position, d.id, d.workspace_id, d.type, d.subject_type, d.subject_id, d.subject_version, d.actor, d.run_id,
           d.cause_id, d.depth, d.data, d.changes, d.origin, d.occurred_at, d.salt, d.digest,
           public.cadre_chain(b.hash, d.position, d.digest) OVER (PARTITION BY d.workspace_id ORDER BY d.position)
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

-- From here on an event without its place in the chain is refused, whoever writes it.
DO $$
BEGIN
  EXECUTE format(
    'ALTER TABLE "event_log" ADD CONSTRAINT "event_log_chained" CHECK (
       position <= %s OR (octet_length(salt) = 16 AND octet_length(digest) = 32 AND octet_length(hash) = 32) IS TRUE)',
    (SELECT coalesce(max(position), 0) FROM "event_log")
  );
END
$$;

REVOKE ALL ON FUNCTION cadre_event_content, cadre_link, cadre_chain FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cadre_event_content TO cadre_app, cadre_system;
GRANT EXECUTE ON FUNCTION cadre_chain TO cadre_system;
