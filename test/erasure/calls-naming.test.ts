import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeId, newId } from '../../src/platform/lib/ids.ts'
import { openOffice } from '../agent/open-office.ts'
import { leadOf, somebody } from './arrange.ts'

const { database, office } = openOffice()
let client: pg.Client
beforeAll(async () => {
  client = new pg.Client({ connectionString: database.url })
  await client.connect()
})
afterAll(async () => {
  await client.end()
})

/** What the application finds in a workspace, and how often it went into which index of the steps. */
async function callsNaming(workspaceId: string, contact: string) {
  await client.query('begin; set local role cadre_app')
  try {
    await client.query(`select set_config('app.workspace_id', $1, true)`, [workspaceId])
    const { rows: found } = await client.query('select * from cadre_calls_naming($1) order by turn', [contact])
    const { rows } = await client.query<{ name: string; scans: string }>(
      `select indexrelid::regclass::text as name, pg_stat_get_xact_numscans(indexrelid)::text as scans
         from pg_index where indrelid = 'run_step'::regclass`,
    )
    return { found, scans: Object.fromEntries(rows.map(({ name, scans }) => [name, Number(scans)])) }
  } finally {
    await client.query('rollback')
  }
}

describe('the calls that named a contact', () => {
  it('are found by what they were given and by what came of them, in one workspace, and by indexes alone', async () => {
    const { runId } = await leadOf(office, somebody())
    const contact = encodeId('contact', newId())
    const calls = [
      [11, 'TOOL_CALL', { input: { contact } }],
      [12, 'TOOL_CALL', { input: {}, output: { contact } }],
      [13, 'TOOL_CALL', { input: { contact }, output: { contact } }],
      [14, 'NOTE', { input: { contact } }],
      [15, 'TOOL_CALL', { input: { deal: contact } }],
    ] as const
    for (const [turn, kind, data] of calls) {
      await client.query(
        `insert into run_step (workspace_id, run_id, seq, kind, status, title, turn, data, started_at)
         values ($1, $2, 1000 + $3, $4, 'DONE', 'A step', $3, $5, now())`,
        [office.id, runId, turn, kind, data],
      )
    }
    await client.query('analyze run_step')
    const { found, scans } = await callsNaming(office.id, contact)
    expect(found).toEqual([11, 12, 13].map((turn) => ({ run_id: runId, turn })))
    expect(scans).toMatchObject({ run_step_pkey: 0, run_step_of_contact: 1, run_step_for_contact: 1 })
    expect((await callsNaming(newId(), contact)).found).toEqual([])
  })
})
