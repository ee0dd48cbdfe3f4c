import { describe, expect, it } from 'vitest'
import type { Risk } from '../platform/tools/tool.ts'
import { type Act, AUTONOMY_LEVELS, type Autonomy, decide, effectiveAutonomy, type Mandate, RULES } from './policy.ts'

const RISKS: readonly Risk[] = ['READ', 'INTERNAL_WRITE', 'EXTERNAL_SEND', 'SPEND', 'DESTRUCTIVE']

const mandate = (employee: Autonomy, form: Autonomy | null = null, tainted = false): Mandate => ({
  employee,
  form,
  tainted,
  allowedTools: new Set(['act']),
})
const act = (risk: Risk, more: Partial<Act> = {}): Act => ({
  tool: 'act',
  risk,
  repeated: false,
  doubtful: false,
  foreignRecord: false,
  ...more,
})

describe('the policy', () => {
  const table: Record<Autonomy, Record<Risk, string>> = {
    OBSERVE: {
      READ: 'ALLOW reading_is_free',
      INTERNAL_WRITE: 'DENY observe_reads_only',
      EXTERNAL_SEND: 'DENY observe_reads_only',
      SPEND: 'DENY observe_reads_only',
      DESTRUCTIVE: 'DENY observe_reads_only',
    },
    DRAFT: {
      READ: 'ALLOW reading_is_free',
      INTERNAL_WRITE: 'ASK draft_asks',
      EXTERNAL_SEND: 'ASK draft_asks',
      SPEND: 'ASK draft_asks',
      DESTRUCTIVE: 'ASK draft_asks',
    },
    SUPERVISED: {
      READ: 'ALLOW reading_is_free',
      INTERNAL_WRITE: 'ALLOW supervised_acts_inside',
      EXTERNAL_SEND: 'ASK supervised_asks_outside',
      SPEND: 'ASK supervised_asks_outside',
      DESTRUCTIVE: 'ASK supervised_asks_outside',
    },
    AUTONOMOUS: {
      READ: 'ALLOW reading_is_free',
      INTERNAL_WRITE: 'ALLOW autonomous_acts',
      EXTERNAL_SEND: 'ALLOW autonomous_acts',
      SPEND: 'ALLOW autonomous_acts',
      DESTRUCTIVE: 'ALLOW autonomous_acts',
    },
  }
  for (const autonomy of AUTONOMY_LEVELS) {
    for (const risk of RISKS) {
      it(`answers ${table[autonomy][risk]} to ${risk} with the autonomy ${autonomy}`, () => {
        const { decision, rule } = decide(mandate(autonomy), act(risk))
        expect(`${decision} ${rule}`).toBe(table[autonomy][risk])
      })
    }
  }

  it('takes the lesser of the autonomies of employee and form, in all sixteen pairs', () => {
    for (const [i, employee] of AUTONOMY_LEVELS.entries()) {
      for (const [j, form] of AUTONOMY_LEVELS.entries()) {
        expect(effectiveAutonomy({ employee, form })).toBe(AUTONOMY_LEVELS[Math.min(i, j)])
      }
      expect(effectiveAutonomy({ employee, form: null })).toBe(employee)
    }
  })

  it('refuses a tool that is not on the list, whatever the autonomy and even for reading', () => {
    for (const autonomy of AUTONOMY_LEVELS) {
      for (const risk of RISKS) {
        expect(decide(mandate(autonomy), act(risk, { tool: 'other' }))).toEqual({
          decision: 'DENY',
          rule: 'tool_not_allowed',
        })
      }
    }
  })

  it('refuses everything when the mandate cannot be read', () => {
    for (const risk of RISKS) {
      expect(decide(null, act(risk))).toEqual({ decision: 'DENY', rule: 'mandate_unreadable' })
    }
  })

  it('asks before the same thing is sent twice, and not before an inside act is repeated', () => {
    for (const risk of ['EXTERNAL_SEND', 'SPEND', 'DESTRUCTIVE'] as const) {
      expect(decide(mandate('AUTONOMOUS'), act(risk, { repeated: true })).rule).toBe('repeated_send_asks')
    }
    expect(decide(mandate('AUTONOMOUS'), act('INTERNAL_WRITE', { repeated: true })).decision).toBe('ALLOW')
  })

  it('asks before anything goes where an earlier act may or may not have gone', () => {
    for (const risk of ['EXTERNAL_SEND', 'SPEND', 'DESTRUCTIVE'] as const) {
      expect(decide(mandate('AUTONOMOUS'), act(risk, { doubtful: true })).rule).toBe('doubtful_send_asks')
    }
  })

  it("asks before a run that read a stranger's text acts on a record its brief does not name", () => {
    const tainted = mandate('AUTONOMOUS', null, true)
    for (const risk of RISKS.filter((each) => each !== 'READ')) {
      expect(decide(tainted, act(risk, { foreignRecord: true }))).toEqual({
        decision: 'ASK',
        rule: 'foreign_record_asks',
      })
      expect(decide(tainted, act(risk)).decision).toBe('ALLOW')
      expect(decide(mandate('AUTONOMOUS'), act(risk, { foreignRecord: true })).decision).toBe('ALLOW')
    }
    expect(decide(tainted, act('READ', { foreignRecord: true })).decision).toBe('ALLOW')
  })

  it('never allows more for a repeated act or a foreign record than without', () => {
    const order = { DENY: 0, ASK: 1, ALLOW: 2 }
    for (const autonomy of AUTONOMY_LEVELS) {
      for (const risk of RISKS) {
        for (const tainted of [true, false]) {
          const plain = decide(mandate(autonomy, null, tainted), act(risk))
          for (const more of [
            { repeated: true },
            { doubtful: true },
            { foreignRecord: true },
            { repeated: true, foreignRecord: true },
          ]) {
            const stricter = decide(mandate(autonomy, null, tainted), act(risk, more))
            expect(order[stricter.decision]).toBeLessThanOrEqual(order[plain.decision])
            expect(RULES[stricter.rule]).not.toBe('')
          }
        }
      }
    }
  })
})
