export { type StartRunInput, type StartRunResult, startRun } from './start.ts'
