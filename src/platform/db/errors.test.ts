import { describe, expect, it } from 'vitest'
import { notFound } from '../lib/errors.ts'
import { translateDatabaseError } from './errors.ts'

const prismaError = (more: object): Error =>
  Object.assign(new Error('from Prisma'), { name: 'PrismaClientKnownRequestError', ...more })

describe('translateDatabaseError', () => {
  it('says UNAVAILABLE when the database is away, of the driver and of Prisma alike', () => {
    const lost = Object.assign(new Error('lost'), { code: 'ECONNREFUSED' })
    const viaPrisma = [{ kind: 'DatabaseNotReachable' }, { kind: 'postgres', originalCode: '57P01' }].map((cause) =>
      prismaError({ code: 'P2010', meta: { driverAdapterError: { cause } } }),
    )
    for (const err of [lost, ...viaPrisma]) {
      expect(translateDatabaseError(err)).toMatchObject({ code: 'UNAVAILABLE', details: { retryAfterMs: 1_000 } })
    }
  })

  it('says NOT_FOUND when a row went away while Prisma read it', () => {
    expect(translateDatabaseError(prismaError({ code: 'P2025' }))).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('hands back what is no doing of the caller, and what is translated already', () => {
    for (const err of [new Error('a fault'), prismaError({ code: 'P2000' }), notFound('This'), 'text']) {
      expect(translateDatabaseError(err)).toBe(err)
    }
  })
})
