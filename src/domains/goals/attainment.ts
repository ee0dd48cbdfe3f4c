import type { Comparator } from './model.ts'

/*
 * How far a measurement is on its way, whichever way is better. All of it is pure arithmetic on one goal's figures:
 *
 *   GTE      more is better: from the baseline (0 without one) up to the target.
 *   LTE      less is better: from the baseline down to the target; without a usable baseline, target / current, so that
 *            twice the target is a half.
 *   EQ       the distance to the target, against the baseline's distance or, without one, against the target itself.
 *   BETWEEN  the distance to the range, likewise.
 */

export interface Measure {
  readonly comparator: Comparator | null
  readonly target: number | null
  readonly targetMax: number | null
  readonly baseline: number | null
  readonly current: number | null
}

/** Whether the target is met by the last measurement; null where nothing is measured (yet). */
export function isMet({ comparator, target, targetMax, current }: Measure): boolean | null {
  if (comparator === null || target === null || current === null) return null
  switch (comparator) {
    case 'GTE':
      return current >= target
    case 'LTE':
      return current <= target
    case 'EQ':
      return current === target
    case 'BETWEEN':
      return current >= target && current <= (targetMax ?? target)
  }
}

/** 0 to 1 towards the target, 1 exactly when it is met: a progress bar. Null where nothing is measured (yet). */
export function attainment(measure: Measure): number | null {
  const met = isMet(measure)
  if (met === null) return null
  if (met) return 1
  const progress = unmetProgress(measure)
  // Rounding must not make a full bar of a target that is missed by a hair.
  return Number.isFinite(progress) ? Math.min(Math.max(progress, 0), 1 - Number.EPSILON) : 0
}

function unmetProgress(measure: Measure): number {
  const { comparator, baseline } = measure
  const current = measure.current ?? 0
  const target = measure.target ?? 0
  switch (comparator) {
    case 'GTE': {
      const start = baseline !== null && baseline < target ? baseline : target > 0 ? 0 : target - Math.max(1, -target)
      return (current - start) / (target - start)
    }
    case 'LTE':
      if (baseline !== null && baseline > target) return (baseline - current) / (baseline - target)
      return target > 0 ? target / current : 0
    default: {
      const missing = distance(measure, current)
      const whole = baseline === null ? 0 : distance(measure, baseline)
      return 1 - missing / (whole > 0 ? whole : Math.max(Math.abs(target), missing))
    }
  }
}

/** How far a value is from the target or the nearest end of the range; 0 within it. */
function distance({ target, targetMax }: Measure, value: number): number {
  const low = target ?? 0
  const high = targetMax ?? low
  return value < low ? low - value : value > high ? value - high : 0
}
