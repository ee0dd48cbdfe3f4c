import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { WireBlock } from '../../src/agent/model/messages-wire.ts'
import { registryOf } from '../../src/agent/tools/registry.ts'
import { decideApproval } from '../../src/domains/approvals/service.ts'
import { createMailer, type Mailer } from '../../src/domains/mail/mailer.ts'
import { notFound } from '../../src/platform/lib/errors.ts'
import { internalTool } from '../../src/platform/tools/tool.ts'
import { calls, HELLO, message, modelAt, openLiveModel, RETRY, says } from './live-model.ts'

const { listen, setUp } = openLiveModel()

describe('a run with a live model', () => {
  it('shows the model what was wrong with a call: malformed arguments, an unknown tool, a refused one', async () => {
    const broken: WireBlock = { type: 'tool_use', id: 'a', name: 'open_deal', input: {}, rawJson: '{"submission": ' }
    const { office, runId, work, server } = await setUp(
      [
        message([
          broken,
          calls('launch_rocket', {}, 'b'),
          calls('open_deal', { name: 7 }, 'c'),
          calls('send_email', {}, 'd'),
        ]),
        message([says('I see.')]),
      ],
      { tools: ['open_deal'] },
    )
    await office.work(runId, work)
    const steps = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(steps.map(({ status, data }) => [status, (data.output as { error: { code: string } }).error?.code])).toEqual(
      [
        ['FAILED', 'INVALID_INPUT'],
        ['FAILED', 'UNKNOWN_TOOL'],
        ['FAILED', 'INVALID_INPUT'],
        ['FAILED', 'INVALID_INPUT'],
      ],
    )
    const results = JSON.stringify(server.requests[1]?.body?.messages?.at(-1))
    expect(results.match(/"is_error":true/g)).toHaveLength(4)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })

  it('refuses a tool that is not on the list, and tells the model the rule', async () => {
    const { office, runId, work } = await setUp(
      [message([calls('send_inbox_message', HELLO, 'a')]), message([says('I see.')])],
      { tools: ['open_deal'] },
    )
    await office.work(runId, work)
    const [step] = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(step).toMatchObject({
      status: 'REFUSED',
      data: { decision: 'DENY', rule: 'tool_not_allowed', output: { status: 'DENIED' } },
    })
    expect(await office.count('inbox_message')).toBe(0)
    await office.close()
  })

  it('rolls back a tool that fails half-way and keeps the other calls of its turn', async () => {
    const half = internalTool<{ fail: boolean }>({
      name: 'open_deal',
      description: 'Writes, and then fails or not.',
      input: z.object({ fail: z.boolean() }),
      risk: 'INTERNAL_WRITE',
      reversible: true,
      title: async () => 'Half',
      run: async (tx, { fail }) => {
        const title = fail ? 'written by the failing one' : 'written by the other'
        await tx.sql.updateTable('run').set({ title }).execute()
        if (fail) throw notFound('Something')
        return { output: { ok: true } }
      },
    })
    const { office, runId, work } = await setUp(
      [
        message([calls('open_deal', { fail: false }, 'a'), calls('open_deal', { fail: true }, 'b')]),
        message([says('Done.')]),
      ],
      {},
      { registry: registryOf([half]) },
    )
    await office.work(runId, work)
    expect(await office.rows('select title from run where workspace_id = $1')).toEqual([
      { title: 'written by the other' },
    ])
    const steps = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(steps.map(({ status }) => status)).toEqual(['DONE', 'FAILED'])
    expect(await office.effects(runId)).toHaveLength(1)
    await office.close()
  })

  it('tells the model of a bug in a tool as an internal error, without its details', async () => {
    const buggy = internalTool<Record<string, unknown>>({
      name: 'open_deal',
      description: 'Has a bug.',
      input: z.object({}),
      risk: 'INTERNAL_WRITE',
      reversible: true,
      title: async () => 'Buggy',
      run: async () => {
        throw new TypeError('secret detail')
      },
    })
    const silent = { ...openedLog(), error: () => {} }
    const { office, runId, work } = await setUp(
      [message([calls('open_deal', {}, 'a')]), message([says('Done.')])],
      {},
      { registry: registryOf([buggy]), log: silent as never },
    )
    await office.work(runId, work)
    const [step] = (await office.steps(runId)).filter(({ kind }) => kind === 'TOOL_CALL')
    expect(step).toMatchObject({ status: 'FAILED', data: { output: { error: { code: 'INTERNAL' } } } })
    expect(JSON.stringify(step)).not.toContain('secret detail')
    await office.close()
  })

  it('ends as STEP_LIMIT after twelve turns', async () => {
    const { office, runId, work, server } = await setUp(() => message([calls('launch_rocket', {})]))
    await office.work(runId, work)
    expect(await office.run(runId)).toMatchObject({ status: 'FAILED', reason: 'STEP_LIMIT' })
    expect(server.requests).toHaveLength(12)
    await office.close()
  })

  it('answers calls beyond the limit of a turn with an error and does not carry them out', async () => {
    const many = Array.from({ length: 20 }, (_, index) => calls('launch_rocket', {}, `call_${index}`))
    const { office, runId, work } = await setUp([message(many), message([says('I see.')])])
    await office.work(runId, work)
    const codes = (await office.steps(runId)).map(
      ({ data }) => (data.output as { error?: { code: string } })?.error?.code,
    )
    expect(codes.filter((code) => code === 'UNKNOWN_TOOL')).toHaveLength(20)
    expect((await office.run(runId)).status).toBe('SUCCEEDED')
    await office.close()
  })
})

describe('a turn with an act to be sent and one to be asked about', () => {
  it('goes on without waiting when a person has decided before it came to wait', async () => {
    const { office, runId } = await setUp([])
    const [contact] = await office.rows<{ id: string }>('select id from contact where workspace_id = $1')
    const other = await office.lead()
    const [foreign] = await office.rows<{ id: string }>(
      'select contact_id as id from submission where workspace_id = $1 and id = $2',
      [other.submissionId],
    )
    const server = await listen([
      message([
        calls('send_email', { contact: `contact_${contact?.id}`, subject: 'Hello', body: 'Hello' }, 'a'),
        calls('update_contact', { contact: `contact_${foreign?.id}`, fields: { companyName: 'Nimbus' } }, 'b'),
      ]),
      message([says('Done.')]),
    ])
    const real = createMailer({ folder: office.mailFolder, defaultFrom: 'cadre@localhost' })
    const mailer: Mailer = {
      ...real,
      send: async (mail, key) => {
        const [approval] = await office.approvals(runId)
        if (approval === undefined) throw new Error('nobody asked')
        expect(approval.reason).toContain('not the one this run is about')
        await office.do((tx) => decideApproval(tx, { id: approval.id, decision: 'APPROVE' }), office.ada)
        return real.send(mail, key)
      },
    }
    const model = modelAt(server)
    await office.work(runId, office.worker({ model, retry: RETRY, registry: office.registryWith(mailer) }))
    expect(await office.run(runId)).toMatchObject({ status: 'SUCCEEDED', segment: 1 })
    expect((await office.approvals(runId)).map(({ status }) => status)).toEqual(['EXECUTED'])
    await office.close()
  })
})

function openedLog() {
  const ignore = () => {}
  return { debug: ignore, info: ignore, warn: ignore, error: ignore }
}
