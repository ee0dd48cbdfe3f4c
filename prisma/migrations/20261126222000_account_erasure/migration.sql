-- A person who signs in is forgotten: their account here, and in each workspace the member that they were.
--
-- ------------------------------------------------------------------ the chain, third version
--   digest         = sha256(salt || what was told)             data, changes, and origin without the caller's address
--   address digest = sha256(address salt || address)
--   hash = sha256(hash before || position as 8 bytes || skeleton || digest || address digest)
--
-- What a person did to others' things outlives them, from where they did it does not: so the address can be taken out by
-- itself. An event whose origin has no address is of the second version, as before.
--
-- This keeps everybody from the log, for a moment. What takes longer is in the next migration.
ALTER TABLE "event_log"
  ADD COLUMN "address_salt" BYTEA,
  ADD COLUMN "address_digest" BYTEA,
  ADD COLUMN "address_erased_by" BIGINT,
  DROP CONSTRAINT "event_log_chain_version",
  ADD CONSTRAINT "event_log_chain_version" CHECK (chain_version IN (1, 2, 3)) NOT VALID,
  ADD CONSTRAINT "event_log_address" CHECK (
    CASE WHEN chain_version < 3 THEN num_nonnulls(address_salt, address_digest, address_erased_by) = 0
      ELSE (octet_length(address_digest) = 32
            AND CASE WHEN address_salt IS NULL
              THEN NOT origin ? 'address' AND num_nonnulls(erased_at, address_erased_by) > 0
              ELSE octet_length(address_salt) = 16 AND origin ? 'address' AND address_erased_by IS NULL END) IS TRUE
    END) NOT VALID;

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
    SELECT nextval('public.event_log_position_seq') AS position, uuid_send(gen_random_uuid()) AS salt,
           CASE WHEN m.origin ->> 'address' IS NOT NULL THEN uuid_send(gen_random_uuid()) END AS address_salt, m.*
      FROM (SELECT * FROM moved ORDER BY id) m
  ), digested AS (
    SELECT p.*, sha256(p.salt || public.cadre_event_told(p.data, p.changes,
             CASE WHEN p.address_salt IS NULL THEN p.origin ELSE p.origin - 'address' END)) AS digest,
           CASE WHEN p.address_salt IS NOT NULL
             THEN sha256(p.address_salt || convert_to(p.origin ->> 'address', 'UTF8')) END AS address_digest,
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
                                  address_salt, address_digest, hash, actor_kind, actor_id, request_id)
    SELECT d.position, d.id, d.workspace_id, d.type, d.subject_type, d.subject_id, d.subject_version, d.actor, d.run_id,
           d.cause_id, d.depth, d.data, d.changes, d.origin, d.occurred_at,
           CASE WHEN d.address_salt IS NULL THEN 2 ELSE 3 END, d.salt, d.digest, d.address_salt, d.address_digest,
           public.cadre_chain(b.hash, d.position, d.skeleton || d.digest || coalesce(d.address_digest, ''::bytea))
             OVER (PARTITION BY d.workspace_id ORDER BY d.position),
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

-- What an erasure would take out of the log, of what is not of a type that outlives it (see `cadre_erase_events`): what is
-- about these things and runs, and about things that were the person's (`former`: up to a position, and single ones after it).
CREATE FUNCTION cadre_events_to_erase(
  workspace uuid, subjects uuid[], runs uuid[], former jsonb, kept jsonb, most int
) RETURNS SETOF bigint
  LANGUAGE sql STABLE SET enable_seqscan = off AS $$
  SELECT found.position FROM (
    SELECT e.position, e.type, e.changes FROM unnest(subjects) AS subject(id)
      JOIN public.event_log e ON e.workspace_id = workspace AND e.subject_id = subject.id
     WHERE e.erased_at IS NULL
    UNION ALL
    SELECT e.position, e.type, e.changes FROM unnest(runs) AS run(id)
      JOIN public.event_log e ON e.workspace_id = workspace AND e.run_id = run.id
     WHERE e.erased_at IS NULL
    UNION ALL
    SELECT e.position, e.type, e.changes FROM jsonb_each(former) AS thing(id, positions)
      JOIN public.event_log e ON e.workspace_id = workspace AND e.subject_id = thing.id::uuid
       AND (e.position <= (thing.positions ->> 0)::bigint OR thing.positions ? e.position::text)
     WHERE e.erased_at IS NULL
  ) AS found
  WHERE NOT kept ? found.type
     OR EXISTS (SELECT FROM jsonb_array_elements(found.changes) AS change
                 WHERE kept -> found.type ? (change ->> 'field'))
  LIMIT most
$$;

-- Throws unless the request stands in the log and what it asked for is not certified yet.
CREATE FUNCTION cadre_assert_erasing(workspace uuid, request bigint) RETURNS void
  LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (
    SELECT FROM public.event_log e
     WHERE e.outbox_id = request AND e.workspace_id = workspace AND e.type LIKE '%.erasure\_requested'
  ) OR EXISTS (
    SELECT FROM public.erasure r
     WHERE r.request_outbox_id = request AND r.workspace_id = workspace AND r.status = 'SUCCEEDED'
  ) THEN
    RAISE EXCEPTION 'the log knows no request % of this workspace to erase anything', request
      USING ERRCODE = 'insufficient_privilege';
  END IF;
END
$$;

DROP FUNCTION cadre_erase_events;
CREATE FUNCTION cadre_erase_events(
  workspace uuid, request bigint, subjects uuid[], runs uuid[], former jsonb, kept jsonb, most int
) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  erased int;
BEGIN
  PERFORM public.cadre_assert_erasing(workspace, request);
  UPDATE public.event_log l
     SET data = '{}', changes = '[]', origin = '{}', request_id = NULL, salt = NULL, address_salt = NULL,
         erased_at = clock_timestamp(), erased_by = request
   WHERE l.position = ANY (ARRAY(
     SELECT public.cadre_events_to_erase(workspace, subjects, runs, former, kept, most)));
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END
$$;

-- From where somebody did what they did: the address alone. Events that were logged before it could be told apart are erased as
-- a whole.
CREATE FUNCTION cadre_erase_addresses(workspace uuid, request bigint, actors text[], most int) RETURNS int
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE
  erased int;
BEGIN
  PERFORM public.cadre_assert_erasing(workspace, request);
  UPDATE public.event_log l SET origin = l.origin - 'address', address_salt = NULL, address_erased_by = request
   WHERE l.position = ANY (ARRAY(
     SELECT e.position FROM unnest(actors) AS actor(id)
       JOIN public.event_log e ON e.workspace_id = workspace AND e.actor_id = actor.id AND e.address_salt IS NOT NULL
      LIMIT most));
  GET DIAGNOSTICS erased = ROW_COUNT;
  IF erased > 0 THEN
    RETURN erased;
  END IF;
  UPDATE public.event_log l
     SET data = '{}', changes = '[]', origin = '{}', request_id = NULL, salt = NULL, erased_at = clock_timestamp(), erased_by = request
   WHERE l.position = ANY (ARRAY(
     SELECT e.position FROM unnest(actors) AS actor(id)
       JOIN public.event_log e ON e.workspace_id = workspace AND e.actor_id = actor.id
      WHERE e.chain_version < 3 AND e.origin ? 'address'
      LIMIT most));
  GET DIAGNOSTICS erased = ROW_COUNT;
  RETURN erased;
END
$$;
REVOKE ALL ON FUNCTION cadre_events_to_erase, cadre_assert_erasing, cadre_erase_events, cadre_erase_addresses FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cadre_erase_events, cadre_erase_addresses TO cadre_system;
GRANT EXECUTE ON FUNCTION cadre_events_to_erase TO cadre_app;
