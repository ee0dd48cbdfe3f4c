// What the queue needs in the database, made under the migration lock at every start: DBOS's own tables, owned by
// `cadre_system`, and `cadre_enqueue`, the one door through which requests (as `cadre_app`) reach them.
//
// DBOS's SQL function enqueues inside the caller's transaction but runs with the caller's rights, and a right to write
// DBOS's tables would be a right over every tenant's runs. So `cadre_enqueue` runs with its owner's rights and checks
// first that the run belongs to the workspace the connection is bound to.

import { ensureSystemDatabase } from '@dbos-inc/dbos-sdk/internal/system_database'
import { GlobalLogger } from '@dbos-inc/dbos-sdk/internal/telemetry/logs'
import pg from 'pg'
import type { AfterMigrate } from '../db/migrate.ts'
import { silentDbosLogger } from './dbos-log.ts'
import { APPLICATION, PRIORITY_ORDER, QUEUE, SCHEMA, WORKFLOW } from './queue.ts'

/**
 * Brings DBOS's tables and `cadre_enqueue` to this code's state. Idempotent; must run under the migration lock, as the
 * database's owner, who may change into `cadre_system`. Throws what PostgreSQL refuses.
 */
export const installDurable: AfterMigrate = async ({ client, url }) => {
  await migrateDbos(client, url)
  await client.query('BEGIN')
  try {
    await client.query(OWN_SQL)
    await client.query('COMMIT')
  } catch (err) {
    await client.query('ROLLBACK')
    throw err
  }
}

async function migrateDbos(client: pg.Client, url: string): Promise<void> {
  const { rows } = await client.query<{ name: string; present: boolean }>(
    `SELECT quote_ident(current_database()) AS name, to_regclass('${SCHEMA}.dbos_migrations') IS NOT NULL AS present`,
  )
  const database = rows[0]
  if (database === undefined) throw new Error('PostgreSQL does not know its own name')
  // DBOS begins with CREATE SCHEMA IF NOT EXISTS, which asks for the right to create one even where it exists.
  if (!database.present) {
    await client.query(`CREATE SCHEMA IF NOT EXISTS ${SCHEMA} AUTHORIZATION cadre_system`)
    await client.query(`GRANT CREATE ON DATABASE ${database.name} TO cadre_system`)
  }
  // Given a pool, DBOS neither looks for nor creates a database, and does not print.
  const pool = new pg.Pool({
    connectionString: url,
    options: '-c role=cadre_system',
    max: 1,
    connectionTimeoutMillis: 10_000,
  })
  pool.on('error', () => {})
  try {
    await ensureSystemDatabase(url, new GlobalLogger(undefined, { logger: silentDbosLogger }), pool, SCHEMA)
  } finally {
    await pool.end()
    if (!database.present) await client.query(`REVOKE CREATE ON DATABASE ${database.name} FROM cadre_system`)
  }
}

const priorities = Object.entries(PRIORITY_ORDER)
  .map(([name, order]) => `WHEN '${name}' THEN ${order}`)
  .join(' ')

// Made as cadre_system, which therefore owns it; the right to create it lasts for this transaction only.
const OWN_SQL = `
GRANT CREATE ON SCHEMA public TO cadre_system;
SET LOCAL ROLE cadre_system;
-- Emptied as fast as they fill. An administrator's own settings stay.
DO $$
DECLARE
  emptied text;
BEGIN
  FOREACH emptied IN ARRAY ARRAY['workflow_status', 'workflow_input', 'workflow_output'] LOOP
    IF (SELECT reloptions IS NULL FROM pg_class WHERE oid = ('${SCHEMA}.' || emptied)::regclass) THEN
      EXECUTE format('ALTER TABLE ${SCHEMA}.%I SET (autovacuum_vacuum_scale_factor = 0,
        autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0)', emptied);
    END IF;
  END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION public.cadre_enqueue(run uuid, segment int, priority text) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  workspace uuid := nullif(current_setting('app.workspace_id', true), '')::uuid;
  queue_order int := CASE priority ${priorities} END;
BEGIN
  IF queue_order IS NULL THEN
    RAISE EXCEPTION 'unknown priority %', priority USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF segment IS NULL OR segment < 1 THEN
    RAISE EXCEPTION 'a segment is a number from 1 on' USING ERRCODE = 'invalid_parameter_value';
  END IF;
  IF NOT EXISTS (SELECT FROM public.run r WHERE r.workspace_id = workspace AND r.id = run) THEN
    RAISE EXCEPTION 'the run % is not of the bound workspace', run USING ERRCODE = 'insufficient_privilege';
  END IF;
  PERFORM ${SCHEMA}.enqueue_workflow(
    workflow_name => '${WORKFLOW}',
    queue_name => '${QUEUE}',
    positional_args => ARRAY[to_json(workspace), to_json(run), to_json(segment)],
    workflow_id => workspace || ':' || run || ':' || segment,
    priority => queue_order,
    queue_partition_key => workspace::text,
    application_name => '${APPLICATION}'
  );
END
$$;
REVOKE ALL ON FUNCTION public.cadre_enqueue(uuid, int, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.cadre_enqueue(uuid, int, text) TO cadre_app;
RESET ROLE;
REVOKE CREATE ON SCHEMA public FROM cadre_system;
`
