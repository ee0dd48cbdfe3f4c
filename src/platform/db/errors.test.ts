import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { type AppError, notFound } from '../lib/errors.ts'
import { isConnectionError, translateDatabaseError } from './errors.ts'

const prismaError = (more: object): Error =>
  Object.assign(new Error('from Prisma'), { name: 'PrismaClientKnownRequestError', ...more })

const divisionByZero = (): Error =>
  Object.assign(new pg.DatabaseError('division by zero', 1, 'error'), { code: '22012' })

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

  it.each([
    ['57014', 'LIMIT_EXCEEDED'],
    ['22001', 'INVALID_INPUT'],
    ['22003', 'INVALID_INPUT'],
    ['22007', 'INVALID_INPUT'],
    ['22008', 'INVALID_INPUT'],
    ['22P02', 'INVALID_INPUT'],
  ])(
    'says of %s that it is the caller’s doing and no lost connection, of the driver and of Prisma alike',
    (code, said) => {
      const direct = Object.assign(new pg.DatabaseError('refused', 1, 'error'), { code })
      const cause = { kind: 'postgres', originalCode: code }
      for (const err of [direct, prismaError({ code: 'P2010', meta: { driverAdapterError: { cause } } })]) {
        expect(isConnectionError(err)).toBe(false)
        expect(translateDatabaseError(err)).toMatchObject({ code: said })
      }
    },
  )

  it('names what was broken where PostgreSQL says it, and something where it does not', () => {
    const refusal = (code: string, more: object = {}) =>
      Object.assign(new pg.DatabaseError('refused', 1, 'error'), { code, ...more })
    const told = (err: Error) => {
      const { code, message, details } = translateDatabaseError(err) as AppError
      return { code, said: details.issues?.[0]?.message ?? message }
    }
    expect(told(refusal('23505', { table: 'deal' }))).toEqual({ code: 'CONFLICT', said: 'This deal exists already.' })
    expect(told(refusal('23505'))).toEqual({ code: 'CONFLICT', said: 'This thing exists already.' })
    expect(told(refusal('23503')).code).toBe('NOT_FOUND')
    for (const [more, said] of [
      [{ constraint: 'deal_title_check', column: 'title' }, 'The rule deal_title_check is not met.'],
      [{ column: 'title' }, 'The rule title is not met.'],
      [{}, 'The rule of this table is not met.'],
    ] as const) {
      expect(told(refusal('23514', more))).toEqual({ code: 'INVALID_INPUT', said })
      expect(told(refusal('23502', more))).toEqual({ code: 'INVALID_INPUT', said })
    }
  })

  it('hands back what is no doing of the caller, and what is translated already', () => {
    for (const err of [
      new Error('a fault'),
      prismaError({ code: 'P2000' }),
      divisionByZero(),
      notFound('This'),
      'text',
    ]) {
      expect(translateDatabaseError(err)).toBe(err)
    }
  })
})
