import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { isProcessAlive } from '../db/process-identity.ts'

/** Where a process runs, so that a later one on the same machine can tell whether it still does. */
export interface ProcessPlace {
  readonly host: string
  /** One boot of one machine, as one group of processes (container) sees it. Empty where the system has no such name. */
  readonly bootId: string
  readonly pid: number
  /** When the pid began, in the system's own unit. Empty where the system does not tell. */
  readonly pidStart: string
}

/** This process's own place. */
export function placeOfThisProcess(): ProcessPlace {
  return { host: hostname(), bootId: bootId(), pid: process.pid, pidStart: statOf(process.pid)?.startedAtTicks ?? '' }
}

/**
 * True only if the process at `place` is certainly gone: it ran on the same host and boot as `here`, and its pid is free,
 * a zombie's, or somebody else's by now. False when that cannot be known from here.
 */
export function isProvablyGone(place: ProcessPlace, here: ProcessPlace): boolean {
  if (here.bootId === '' || place.bootId !== here.bootId || place.host !== here.host) return false
  if (!isProcessAlive(place.pid)) return true
  const stat = statOf(place.pid)
  if (stat === undefined) return false
  return stat.state === 'Z' || stat.state === 'X' || (place.pidStart !== '' && stat.startedAtTicks !== place.pidStart)
}

function bootId(): string {
  try {
    if (process.platform === 'darwin') {
      return execFileSync('sysctl', ['-n', 'kern.bootsessionuuid'], { encoding: 'utf8' }).trim()
    }
    // Two containers of one kernel may bear one host name; their pids mean something only inside their namespace.
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return ''
  }
}

function statOf(pid: number): { state: string; startedAtTicks: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command in parentheses and may itself hold spaces; state is the 3rd, start time the 22nd.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0] ?? '', startedAtTicks: fields[19] ?? '' }
  } catch {
    return undefined
  }
}
