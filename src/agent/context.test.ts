import { describe, expect, test } from 'vitest'
import { createMailer } from '../domains/mail/mailer.ts'
import type { ClaimedRun } from '../domains/runs/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import { assembleContext } from './context.ts'
import { createToolRegistry } from './tools/registry.ts'

const registry = createToolRegistry({
  mailer: createMailer({ folder: 'no-mail-is-sent', defaultFrom: 'cadre@localhost' }),
})
const iris = {
  name: 'Iris',
  role: 'SDR',
  title: 'Sales Development',
  email: null,
  instructions: 'Be brief.',
  autonomy: 'SUPERVISED',
  tools: ['open_deal'],
  model: null,
}

/** Of a run without a submission: nothing is read for it. */
const contextOf = (definition: Readonly<Record<string, unknown>>) => {
  const run = { trigger: 'MANUAL', title: 'Tidy up', submissionId: null, definition } as unknown as ClaimedRun
  return assembleContext({} as Tx, run, registry)
}

describe('what an employee is told and may do in a run', () => {
  test('follows from its definition: who it is, its task, and only tools it was granted', async () => {
    const { employee, mandate, tools, opening, system, knownRecords } = await contextOf(iris)
    expect(employee).toMatchObject({ name: 'Iris' })
    expect(mandate).toEqual({
      employee: 'SUPERVISED',
      form: null,
      allowedTools: new Set(['open_deal']),
      tainted: false,
    })
    expect(tools.map(({ name }) => name)).toEqual(['open_deal'])
    expect(opening[0]).toContain('Iris')
    expect(opening[1]).toBe('Your task: Tidy up')
    expect(system[0]?.text).toContain('Be brief.')
    expect(knownRecords).toEqual(new Set())
  })

  test.each([
    ['cannot be read at all', {}],
    ['grants an autonomy that does not exist', { ...iris, autonomy: 'UNBOUND' }],
    ['names tools in another way', { ...iris, tools: 'all' }],
  ])('is nothing when its definition %s', async (_what, definition) => {
    const { employee, mandate, tools, opening } = await contextOf(definition)
    expect([employee, mandate, tools]).toEqual([null, null, []])
    expect(opening[0]).toContain('OBSERVE')
  })
})
