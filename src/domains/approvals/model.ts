/*
 * An approval: an employee wants to act and must ask first.
 *
 * PENDING   somebody may decide until it expires.
 * APPROVED  the run's next segment carries it out: EXECUTED, FAILED, or STALE when what was shown has changed since.
 * REJECTED, EXPIRED   the employee reads why and goes on without the act.
 * STALE     what the approver saw is no longer so; nothing was done. The employee may ask again.
 */

import { z } from 'zod'
import { publicId } from '../../platform/lib/parse.ts'

export const APPROVAL_STATUSES = ['PENDING', 'APPROVED', 'REJECTED', 'EXPIRED', 'STALE', 'EXECUTED', 'FAILED'] as const
export type ApprovalStatus = (typeof APPROVAL_STATUSES)[number]

export const EXPIRY_ACTIONS = ['REJECT', 'APPROVE'] as const
export type ExpiryAction = (typeof EXPIRY_ACTIONS)[number]

export const APPROVAL_DECISIONS = ['APPROVE', 'REJECT'] as const
export type ApprovalDecision = (typeof APPROVAL_DECISIONS)[number]

const TRANSITIONS: Readonly<Record<ApprovalStatus, readonly ApprovalStatus[]>> = {
  PENDING: ['APPROVED', 'REJECTED', 'EXPIRED', 'STALE'],
  APPROVED: ['EXECUTED', 'FAILED', 'STALE'],
  REJECTED: [],
  EXPIRED: [],
  STALE: [],
  EXECUTED: [],
  FAILED: [],
}

/** Whether an approval may go from one status to the other. */
export const canApprovalGo = (from: ApprovalStatus, to: ApprovalStatus): boolean => TRANSITIONS[from].includes(to)

export const MAX_REASON_LENGTH = 5_000

export const decideApprovalInput = z.object({
  id: publicId('approval', 'Approval'),
  decision: z.enum(APPROVAL_DECISIONS),
  editedInput: z.record(z.string(), z.unknown()).nullish(),
  reason: z.string().trim().max(MAX_REASON_LENGTH).nullish(),
  ifVersion: z.int().nullish(),
})
/** `id` is the row's; edited arguments go with APPROVE only. */
export type DecideApprovalInput = z.output<typeof decideApprovalInput>
