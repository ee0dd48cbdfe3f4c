-- One pass of the sequencer: what is visible in the outbox above `floor` goes into the log, at most 2,000 events. One
-- statement of one message, planned once per connection; a process that is stopped in the middle never sits on the lock.
-- VOLATILE, so that the statement that moves rows has a snapshot from after the lock.
CREATE FUNCTION cadre_sequence(lock_key bigint, floor bigint, notify boolean)
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
  ), logged AS (
    INSERT INTO public.event_log (outbox_id, workspace_id, type, subject_type, subject_id, subject_version, actor, run_id,
                                  cause_id, depth, data, changes, origin, occurred_at)
    SELECT m.id, m.workspace_id, m.type, m.subject_type, m.subject_id, m.subject_version, m.actor, m.run_id,
           m.cause_id, m.depth, m.data, m.changes, m.origin, m.occurred_at
      FROM moved m ORDER BY m.id
    RETURNING position, outbox_id
  )
  SELECT count(*)::int, max(l.position), max(l.outbox_id) INTO count, head, last_id FROM logged l;
  IF notify AND count > 0 THEN
    PERFORM pg_notify('cadre_events', '');
  END IF;
  RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION cadre_sequence(bigint, bigint, boolean) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cadre_sequence(bigint, bigint, boolean) TO cadre_system;
