import { describe, expect, it } from 'vitest'
import { MEMBER_ROLES, permissionsOfKey, ROLE_PERMISSIONS } from './roles.ts'
import { PERMISSIONS } from './viewer.ts'

const heldBy = (role: keyof typeof ROLE_PERMISSIONS) => [...ROLE_PERMISSIONS[role]].sort()

describe('a role', () => {
  it('holds all that the next one holds, and the owner’s all there is', () => {
    MEMBER_ROLES.slice(1).forEach((role, index) => {
      const above = ROLE_PERMISSIONS[MEMBER_ROLES[index] ?? 'OWNER']
      expect(heldBy(role).filter((permission) => !above.has(permission))).toEqual([])
      expect(above.size).toBeGreaterThan(ROLE_PERMISSIONS[role].size)
    })
    expect(heldBy('OWNER')).toEqual([...PERMISSIONS].sort())
  })

  it('of a viewer reads everything and does nothing', () => {
    expect(heldBy('VIEWER')).toEqual(PERMISSIONS.filter((permission) => permission.endsWith('_READ')).sort())
  })

  it('of a member does all but what is about the workspace, its members and its owners, and erasing people', () => {
    const beyond = PERMISSIONS.filter((permission) => !ROLE_PERMISSIONS.MEMBER.has(permission))
    expect(beyond).toEqual(['WORKSPACE_WRITE', 'PERSONAL_DATA_ERASE', 'MEMBERS_WRITE', 'OWNERS_WRITE'])
  })

  it('of an admin lacks only what touches owners', () => {
    expect(PERMISSIONS.filter((permission) => !ROLE_PERMISSIONS.ADMIN.has(permission))).toEqual(['OWNERS_WRITE'])
  })
})

describe('a key', () => {
  it('may do what stands on it and its member’s role holds, both', () => {
    expect([...permissionsOfKey(['DEALS_READ', 'DEALS_WRITE'], 'VIEWER')]).toEqual(['DEALS_READ'])
    expect([...permissionsOfKey(['DEALS_READ'], 'OWNER')]).toEqual(['DEALS_READ'])
  })

  it('may do nothing by a word or a role that nobody knows', () => {
    expect(permissionsOfKey([...PERMISSIONS], 'EMPEROR').size).toBe(0)
    expect(permissionsOfKey([...PERMISSIONS], 'constructor').size).toBe(0)
    expect(permissionsOfKey([...PERMISSIONS], '').size).toBe(0)
    expect([...permissionsOfKey(['EVERYTHING', '*', 'deals_read', 'GOALS_READ'], 'OWNER')]).toEqual(['GOALS_READ'])
  })
})
