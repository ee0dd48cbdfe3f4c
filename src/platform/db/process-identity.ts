import { readFileSync } from 'node:fs'

/** True while a process with this id exists, whoever owns it. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (err) {
    return (err as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * A name for one run of one process. Process ids are used again, quickly so in containers, where a restarted program
 * gets the very id it had before; where the kernel tells when a process began (Linux), the name tells them apart.
 * Elsewhere it is the id alone.
 */
export function processIdentity(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the command in parentheses and may itself hold spaces; the start time is the 22nd.
    const startedAtTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${pid} ${bootId} ${startedAtTicks}`
  } catch {
    return `${pid}`
  }
}

/** True while the very process that gave itself this identity is running. */
export function isIdentityAlive(identity: string): boolean {
  const pid = Number.parseInt(identity, 10)
  return Number.isInteger(pid) && isProcessAlive(pid) && processIdentity(pid) === identity
}
