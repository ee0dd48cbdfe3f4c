export {
  type Claim,
  type ClaimedRun,
  claimSegment,
  DEADLINE_END,
  OFFBOARDED_END,
  PAUSED_WAIT,
  releaseRun,
  type SegmentClaim,
  UNKNOWN_OUTPUT,
} from './claim.ts'
export { appendEffects, effectKey, isEffectKey, moveEffect, type NewEffect } from './effects.ts'
export { type EndedRun, listenToRunEnds } from './ending.ts'
export {
  advanceRun,
  announceRunEnd,
  closeRun,
  type Entry,
  type Fence,
  FenceLost,
  holdEmployeeStatus,
  parkRun,
  type Signals,
} from './journal.ts'
export { enterLiveRun } from './live-runs.ts'
export { countOpenRuns, measureRuns } from './open-runs.ts'
export { type StartRunInput, type StartRunResult, startRun } from './start.ts'
export { appendSteps, closeStep, type NewStep, type StoredStep } from './steps.ts'
export { sweepRuns } from './sweeps.ts'
export {
  cancelRun,
  cancelRunsOfEmployee,
  lockFreeRun,
  lockRun,
  resumeRun,
  wakeRunsOfEmployee,
  wakeRunsWaitingForBudget,
} from './waiting.ts'
