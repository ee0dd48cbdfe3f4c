import pg from 'pg'
import { codeOf } from './errors.ts'

/** Each try takes one connection with an old plan out of the pool. */
const MOST_TRIES = 50

/**
 * Whether a prepared statement's columns have changed since it was prepared: a newer Cadre has migrated the database beside
 * this one. Its connection knows no better; another one prepares anew.
 */
export const isStalePlan = (err: unknown): boolean =>
  codeOf(err) === '0A000' && err instanceof Error && /cached plan must not change result type/.test(err.message)

/**
 * Whether a session must not be used again after this. A refused statement leaves it as it was, unless it is the session that
 * is behind the tables; anything else (a cut connection, a time-out) may have left it in the middle of something.
 */
export const leavesSessionInDoubt = (err: unknown): boolean => !(err instanceof pg.DatabaseError) || isStalePlan(err)

/** Tries anew, on another connection each time, while the one that was taken has a stale plan. */
export async function pastStalePlans<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (err) {
      if (!isStalePlan(err) || tries === MOST_TRIES) throw err
    }
  }
}
