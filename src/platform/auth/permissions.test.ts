import { describe, expect, it } from 'vitest'
import { hasPermission, requirePermission } from './permissions.ts'
import { storedActor, type Viewer } from './viewer.ts'

const key: Viewer = {
  kind: 'apiKey',
  keyId: 'k',
  memberId: 'm',
  name: 'Key',
  permissions: new Set(['DEALS_READ'] as const),
}
const employee: Viewer = { kind: 'employee', employeeId: 'e', name: 'Iris', runId: 'r' }

describe('a permission', () => {
  it('is held by a key that lists it, by employees and the system, and by nobody else', () => {
    expect(hasPermission(key, 'DEALS_READ')).toBe(true)
    expect(hasPermission(key, 'DEALS_WRITE')).toBe(false)
    expect(hasPermission(employee, 'DEALS_WRITE')).toBe(true)
    expect(hasPermission({ kind: 'system' }, 'DEALS_WRITE')).toBe(true)
    expect(hasPermission({ kind: 'anonymous' }, 'DEALS_READ')).toBe(false)
  })

  it('that is missing tells strangers to sign in, and others what they need', () => {
    expect(() => requirePermission({ kind: 'anonymous' }, 'DEALS_READ')).toThrow(
      expect.objectContaining({ code: 'UNAUTHENTICATED' }),
    )
    expect(() => requirePermission(key, 'DEALS_WRITE')).toThrow(expect.objectContaining({ code: 'FORBIDDEN' }))
    expect(() => requirePermission(key, 'DEALS_READ')).not.toThrow()
  })
})

describe('an actor as it is stored', () => {
  it('is of the viewer’s kind, with the id of whoever has one', () => {
    expect([key, employee, { kind: 'system' } as const, { kind: 'anonymous' } as const].map(storedActor)).toEqual([
      { kind: 'API_KEY', id: 'k' },
      { kind: 'EMPLOYEE', id: 'e' },
      { kind: 'SYSTEM' },
      { kind: 'VISITOR' },
    ])
  })
})
