// The words of a benchmark. A room is a set of workloads, the contenders that run them, and the rows read from the
// results. Every contender runs the same workload with the same count, in a process of its own; what a row says is
// computed here, in one place, never by a contender.

import { build } from 'hdr-histogram-js'

/** One piece of work, given to every contender alike. */
export interface Workload {
  readonly name: string
  /** Operations in one run. */
  readonly count: number
  /** Runs measured in one process, after the warm-up. */
  readonly repeats: number
  /**
   * For how long whole runs go first, in milliseconds. False for memory and fairness: a warm-up would be part of what is
   * measured. Default 400.
   */
  readonly warmUp?: false | number
  /** The contender's own name for the work, where several workloads differ in `count` alone. Default: `name`. */
  readonly task?: string
}

/** What a contender's process prints as its last line: JSON. `completed` is counted by the work, not by the driver. */
export type Result =
  | { readonly completed: number; readonly elapsedNs: number }
  | { readonly completed: number; readonly latenciesNs: readonly number[] }
  | { readonly completed: number; readonly value: number }
  | { readonly completed: number; readonly values: Readonly<Record<string, number>> }

export interface Contender {
  readonly name: string
  /** Says which version is present, or why none is. Called once, before the rounds; may install. */
  probe(): Promise<{ readonly version: string } | { readonly absent: string }>
  /** The process that runs one workload. */
  command(workload: Workload): { readonly file: string; readonly args: readonly string[] }
  /** Takes part in at most so many rounds: for a peer that no goal names. Default: in all. */
  readonly rounds?: number
  /** Tasks this contender has no counterpart for, with the reason. */
  readonly lacks: Readonly<Record<string, string>>
}

/** The results of one contender in one round, by workload name. */
export type Results = ReadonlyMap<string, Result>

/** How a number is read from the results of one round. Undefined when the contender did not run the workload. */
export interface Reading {
  readonly workloads: readonly string[]
  of(results: Results): number | undefined
}

export type Goal = {
  /** The goal in words. */
  readonly text: string
} & (
  | {
      /** The goal is `factor` times what this peer reaches on the same row. */
      readonly peer: string
      readonly factor: number
    }
  | {
      /** The goal is this number, in the row's unit. */
      readonly limit: number
    }
)

export interface RowSpec {
  readonly name: string
  /** One line: what one operation is. */
  readonly about: string
  readonly unit: string
  readonly better: 'higher' | 'lower'
  readonly reading: Reading
  readonly goal?: Goal
}

export interface Room {
  readonly name: string
  /** The first contender is ours; the rest are peers. */
  readonly contenders: readonly [Contender, ...Contender[]]
  readonly workloads: readonly Workload[]
  readonly rows: readonly RowSpec[]
  /** Rounds unless the command says otherwise. Default 5. */
  readonly rounds?: number
  /** What differs between the contenders' set-ups; printed under the table. */
  readonly notes?: readonly string[]
}

/** Operations per second: all that was completed over all the time taken, collection pauses included. */
export function rate(workload: string): Reading {
  return {
    workloads: [workload],
    of: (results) => {
      const result = results.get(workload)
      return result && 'elapsedNs' in result ? (result.completed * 1e9) / result.elapsedNs : undefined
    },
  }
}

/** A percentile (0–100) of the latencies, in microseconds, by an HDR histogram of three significant digits. */
export function percentile(workload: string, percent: number): Reading {
  return {
    workloads: [workload],
    of: (results) => {
      const result = results.get(workload)
      if (!result || !('latenciesNs' in result)) return undefined
      const histogram = build({
        lowestDiscernibleValue: 1,
        highestTrackableValue: 600e9,
        numberOfSignificantValueDigits: 3,
      })
      for (const ns of result.latenciesNs) histogram.recordValue(Math.max(1, Math.round(ns)))
      return histogram.getValueAtPercentile(percent) / 1000
    },
  }
}

/** The one number the workload yields. */
export function value(workload: string): Reading {
  return {
    workloads: [workload],
    of: (results) => {
      const result = results.get(workload)
      return result && 'value' in result ? result.value : undefined
    },
  }
}

/** One of the numbers that the workload yields: where what is compared must alternate within one process. */
export function oneOf(workload: string, key: string): Reading {
  return {
    workloads: [workload],
    of: (results) => {
      const result = results.get(workload)
      return result && 'values' in result ? result.values[key] : undefined
    },
  }
}

/** How many times dearer one operation of `dear` is than one of `cheap`. */
export function dearer(dear: string, cheap: string): Reading {
  const [top, bottom] = [rate(cheap), rate(dear)]
  return {
    workloads: [dear, cheap],
    of: (results) => {
      const [fast, slow] = [top.of(results), bottom.of(results)]
      return fast === undefined || slow === undefined ? undefined : fast / slow
    },
  }
}
