import { readFileSync } from 'node:fs'

/**
 * True while a process with this id runs, whoever owns it. One that has ended and that nobody has asked after (a zombie;
 * containers without an init keep them) does not run.
 */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (err) {
    if ((err as NodeJS.ErrnoException).code !== 'EPERM') return false
  }
  return !/^[ZX]/.test(readStat(pid)?.[0] ?? '')
}

/**
 * A name for one run of one process. Process ids are used again, quickly so in containers, where a restarted program
 * gets the very id it had before; where the kernel tells when a process began (Linux), the name tells them apart.
 * Elsewhere it is the id alone.
 */
export function processIdentity(pid: number): string {
  const startedAtTicks = readStat(pid)?.[19]
  if (startedAtTicks === undefined) return `${pid}`
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return `${pid} ${bootId} ${startedAtTicks}`
}

/** The fields of /proc/<pid>/stat after the command, which stands in parentheses and may itself hold spaces. */
function readStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** True while the very process that gave itself this identity is running. */
export function isIdentityAlive(identity: string): boolean {
  const pid = Number.parseInt(identity, 10)
  return Number.isInteger(pid) && isProcessAlive(pid) && processIdentity(pid) === identity
}
