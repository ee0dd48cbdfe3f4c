import { invalidInput } from '../lib/errors.ts'

/** A place in the log: everything up to and including `position`, in the life of the log numbered `epoch`. */
export interface LogPosition {
  readonly epoch: number
  readonly position: bigint
}

const EPOCH_DIGITS = 8
const POSITION_DIGITS = 16
const CURSOR = /^[0-7][0-9a-f]{7}[0-7][0-9a-f]{15}$/

/**
 * The one form in which a place in the log leaves the house: 24 characters, opaque to clients, and of two cursors the
 * later one compares greater as a string (both halves are hexadecimal of fixed width, the epoch first).
 */
export function formatCursor({ epoch, position }: LogPosition): string {
  return epoch.toString(16).padStart(EPOCH_DIGITS, '0') + position.toString(16).padStart(POSITION_DIGITS, '0')
}

/** Reads a cursor as a client sent it. Anything that was not made by `formatCursor` is INVALID_INPUT at `path`. */
export function parseCursor(text: string, path: readonly string[] = ['after']): LogPosition {
  if (!CURSOR.test(text)) {
    throw invalidInput([{ path, code: 'INVALID_FORMAT', message: 'This is not a cursor that the server gave out.' }])
  }
  return {
    epoch: Number.parseInt(text.slice(0, EPOCH_DIGITS), 16),
    position: BigInt(`0x${text.slice(EPOCH_DIGITS)}`),
  }
}
