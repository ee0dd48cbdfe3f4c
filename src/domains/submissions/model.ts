import { z } from 'zod'
import { type AppError, conflict, limitExceeded } from '../../platform/lib/errors.ts'
import { decodeId } from '../../platform/lib/ids.ts'

/*
 * A submission: what somebody sent through a form, and what became of it.
 *
 * RECEIVED      stored; no employee has it.
 * PROCESSING    an employee has it: a run is queued, works or waits.
 * PROCESSED     worked to the end.
 * NEEDS_REVIEW  the employee did not come to an end with it; a person has to look.
 * FAILED        the work on it failed.
 * SPAM          judged to be worth nothing.
 *
 * What is turned away at the door never becomes a submission: it is a row in the spam log and an event.
 */

export const SUBMISSION_STATUSES = ['RECEIVED', 'PROCESSING', 'PROCESSED', 'NEEDS_REVIEW', 'FAILED', 'SPAM'] as const
export type SubmissionStatus = (typeof SUBMISSION_STATUSES)[number]

/** How the work on a submission can end. */
export type SubmissionEnd = 'PROCESSED' | 'NEEDS_REVIEW' | 'FAILED'

const TRANSITIONS: Readonly<Record<SubmissionStatus, readonly SubmissionStatus[]>> = {
  RECEIVED: ['PROCESSING', 'PROCESSED', 'NEEDS_REVIEW', 'FAILED', 'SPAM'],
  PROCESSING: ['PROCESSED', 'NEEDS_REVIEW', 'FAILED'],
  // Another run may still settle what one could not.
  NEEDS_REVIEW: ['PROCESSED', 'FAILED'],
  PROCESSED: [],
  FAILED: [],
  SPAM: [],
}

export const canGo = (from: SubmissionStatus, to: SubmissionStatus): boolean => TRANSITIONS[from].includes(to)

export const REJECTION_REASONS = ['HONEYPOT', 'TOO_FAST', 'ADDRESS_LIMIT', 'EMAIL_LIMIT', 'DUPLICATE'] as const
export type RejectionReason = (typeof REJECTION_REASONS)[number]

const HOUR = 'Too many submissions have come from here in the last hour.'

/** What a sender who was turned away is told. Whoever filled in the honeypot is told nothing: see `submitForm`. */
export function rejectionError(rejection: {
  readonly reason: Exclude<RejectionReason, 'HONEYPOT'>
  readonly retryAfterMs: number
}): AppError {
  switch (rejection.reason) {
    case 'DUPLICATE':
      return conflict('DUPLICATE', 'We have received exactly this a moment ago; it need not be sent again.')
    case 'TOO_FAST':
      return limitExceeded(
        'RATE',
        'That was very quick. Please wait a moment and send it again.',
        rejection.retryAfterMs,
      )
    case 'ADDRESS_LIMIT':
      return limitExceeded('RATE', HOUR, rejection.retryAfterMs)
    case 'EMAIL_LIMIT':
      return limitExceeded('RATE', 'This e-mail address has sent too much in the last hour.', rejection.retryAfterMs)
  }
}

const bounded = (length: number) => z.string().max(length)

/** Where a submission came from, as its sender's browser says. Shown to people, never relied on. */
export const submissionOriginSchema = z.object({
  userAgent: bounded(500).optional(),
  referrer: bounded(2_000).optional(),
  utm: z.record(z.string().max(32), bounded(255)).optional(),
})
export type SubmissionOrigin = z.output<typeof submissionOriginSchema>

const submissionId = z.string().transform((publicId) => decodeId('submission', publicId, 'Submission'))

export const qualifySubmissionInput = z.object({
  submission: submissionId,
  qualified: z.boolean(),
  fit: z.number().min(0).max(1),
  reasons: z.array(z.string().trim().min(1).max(500)).max(20),
})
export type QualifySubmissionInput = z.output<typeof qualifySubmissionInput>
