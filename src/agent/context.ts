import { type EmployeeDefinition, employeeDefinition } from '../domains/employees/model.ts'
import type { ClaimedRun } from '../domains/runs/service.ts'
import { type SubmissionBrief, submissionBrief } from '../domains/submissions/service.ts'
import type { Tx } from '../platform/db/transaction.ts'
import type { Tool } from '../platform/tools/tool.ts'
import { renderBriefBlock } from './model/brief-block.ts'
import type { SystemBlock } from './model/model.ts'
import { effectiveAutonomy, type Mandate, mayEverCall } from './policy.ts'
import { systemBlocks } from './prompt.ts'
import type { ToolRegistry } from './tools/registry.ts'

/** All that a segment needs to know before its first call, read in the claim's transaction. */
export interface RunContext {
  readonly employee: EmployeeDefinition | null
  /** Null when the employee's definition cannot be read: then nothing is allowed. */
  readonly mandate: Mandate | null
  readonly system: readonly SystemBlock[]
  readonly tools: readonly Tool[]
  /** The first user message, where no turn has been recorded yet. */
  readonly opening: readonly string[]
  /** Public ids that our own brief names: what a run that read strangers' text may act on without asking. */
  readonly knownRecords: ReadonlySet<string>
}

/** Puts together who works, what it may do and what it is told. Two or three statements for a submission, else none. */
export async function assembleContext(tx: Tx, run: ClaimedRun, registry: ToolRegistry): Promise<RunContext> {
  const parsed = employeeDefinition.safeParse(run.definition)
  const employee = parsed.success ? parsed.data : null
  const brief = run.submissionId === null ? null : await submissionBrief(tx, run.submissionId)
  const mandate: Mandate | null =
    employee === null
      ? null
      : {
          employee: employee.autonomy,
          form: brief?.autonomy ?? null,
          allowedTools: new Set(employee.tools),
          tainted: brief !== null,
        }
  return {
    employee,
    mandate,
    system: systemBlocks(employee, brief?.instructions ?? ''),
    tools: registry.all.filter((tool) => mayEverCall(mandate, tool)),
    opening: openingOf(run, employee, mandate, brief),
    knownRecords: recordsOf(brief),
  }
}

function openingOf(
  run: ClaimedRun,
  employee: EmployeeDefinition | null,
  mandate: Mandate | null,
  brief: SubmissionBrief | null,
): string[] {
  const block = renderBriefBlock({
    trigger: run.trigger,
    autonomy: mandate === null ? 'OBSERVE' : effectiveAutonomy(mandate),
    ...(employee === null ? {} : { employee: { name: employee.name, title: employee.title } }),
    ...(brief === null
      ? {}
      : {
          submission: {
            ...brief.submission,
            answers: [...brief.submission.answers],
            criteria: { ...brief.submission.criteria, conditions: [...brief.submission.criteria.conditions] },
            pipeline:
              brief.submission.pipeline === null
                ? null
                : { ...brief.submission.pipeline, stages: [...brief.submission.pipeline.stages] },
          },
        }),
  })
  const task =
    brief === null ? `Your task: ${run.title}` : 'Work on this submission: judge it, then do what follows from it.'
  return [block, task]
}

function recordsOf(brief: SubmissionBrief | null): Set<string> {
  if (brief === null) return new Set()
  const { submission } = brief
  return new Set([
    submission.id,
    ...(submission.contact === null ? [] : [submission.contact.id]),
    ...(submission.pipeline === null
      ? []
      : [submission.pipeline.id, ...submission.pipeline.stages.map((stage) => stage.id)]),
  ])
}
