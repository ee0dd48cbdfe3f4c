import { IANAZone } from 'luxon'

/** The zone this machine lives in, by its IANA name; UTC where it is set to something that has none. */
export function machineTimeZone(): string {
  // Undefined, against its type, where TZ is a path or an offset.
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions() as { timeZone: string | undefined }
  return timeZone !== undefined && IANAZone.isValidZone(timeZone) ? timeZone : 'UTC'
}
