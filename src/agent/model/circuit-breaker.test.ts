import { describe, expect, it } from 'vitest'
import { createCircuitBreaker } from './circuit-breaker.ts'
import type { AttemptOutcome } from './model.ts'
import type { ModelErrorKind } from './model-error.ts'

const failure = (kind: ModelErrorKind): AttemptOutcome => ({ ok: false, error: { kind, message: '', sent: true } })
const answer: AttemptOutcome = {
  ok: true,
  answer: {
    content: [],
    stopReason: 'end_turn',
    usage: { input: 1, output: 1, cacheRead: 0, cacheWrite: 0 },
    model: 'm',
    rehearsal: false,
  },
}

function setUp() {
  let nowMs = 0
  const told: (string | null)[] = []
  const circuit = createCircuitBreaker({
    failuresToOpen: 3,
    openMs: 1000,
    clock: { monotonicMs: () => nowMs },
    onTrouble: (error) => told.push(error?.kind ?? null),
  })
  return {
    circuit,
    told,
    advance: (ms: number) => {
      nowMs += ms
    },
    break: () => {
      for (let i = 0; i < 3; i += 1) circuit.report(failure('OVERLOADED'))
    },
  }
}

describe('the circuit', () => {
  it('opens after so many failures in a row, and lets nothing through', () => {
    const { circuit } = setUp()
    circuit.report(failure('OVERLOADED'))
    circuit.report(failure('TIMEOUT'))
    expect(circuit.admit()).toBe(true)
    circuit.report(failure('NETWORK'))
    expect(circuit.state).toBe('OPEN')
    expect(circuit.admit()).toBe(false)
  })

  it('starts counting anew after an answer', () => {
    const { circuit } = setUp()
    for (let i = 0; i < 5; i += 1) {
      circuit.report(failure('OVERLOADED'))
      circuit.report(failure('OVERLOADED'))
      circuit.report(answer)
    }
    expect(circuit.state).toBe('CLOSED')
  })

  it('lets one probe through when its time is over, and nobody beside it', () => {
    const { circuit, advance, break: breakIt } = setUp()
    breakIt()
    advance(1000)
    expect(circuit.state).toBe('HALF_OPEN')
    expect([circuit.admit(), circuit.admit(), circuit.admit()]).toEqual([true, false, false])
  })

  it('closes with the probe that is answered and opens again with the one that fails', () => {
    const { circuit, advance, break: breakIt } = setUp()
    breakIt()
    advance(1000)
    circuit.admit()
    circuit.report(failure('OVERLOADED'))
    expect(circuit.admit()).toBe(false)
    advance(1000)
    expect(circuit.admit()).toBe(true)
    circuit.report(answer)
    expect([circuit.admit(), circuit.admit()]).toEqual([true, true])
  })

  it('sends the next probe when one never reports', () => {
    const { circuit, advance, break: breakIt } = setUp()
    breakIt()
    advance(1000)
    circuit.admit()
    advance(1000)
    expect(circuit.admit()).toBe(true)
  })

  it('says once that there is trouble, and once that it is over; nothing of a single failure', () => {
    const { circuit, told, break: breakIt } = setUp()
    circuit.report(failure('OVERLOADED'))
    circuit.report(answer)
    expect(told).toEqual([])
    breakIt()
    breakIt()
    expect(told).toEqual(['OVERLOADED'])
    circuit.report(answer)
    circuit.report(answer)
    expect(told).toEqual(['OVERLOADED', null])
    breakIt()
    // An answer, but not one that says that all is well.
    circuit.report(failure('REFUSED'))
    expect(told).toEqual(['OVERLOADED', null, 'OVERLOADED'])
  })

  it('takes a refusal for a sign of life and an abort for nothing', () => {
    const { circuit, break: breakIt } = setUp()
    breakIt()
    circuit.report(failure('ABORTED'))
    expect(circuit.state).toBe('OPEN')
    circuit.report(failure('REFUSED'))
    expect(circuit.state).toBe('CLOSED')
  })
})
