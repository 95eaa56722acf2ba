// The same child several times, each for a part of the keys: Elixir's PartitionSupervisor. What would be the bottleneck of
// one process is spread over many, and a key always meets the same one.

import { OptionError } from '../kernel/errors.ts'
import type { Node } from '../kernel/node.ts'
import { actorOf } from '../kernel/own.ts'
import type { ArgumentOf, Definition, Ref } from '../kernel/ref.ts'
import type { Self } from '../kernel/self.ts'
import type { ChildSpec } from './child-spec.ts'
import { type SupervisorProtocol, supervisorOf } from './supervisor.ts'

/** What a partition is chosen by. */
export type PartitionKey = string | number | bigint

export interface PartitionSupervisorSpec<D extends Definition> {
  /** More restarts than this within `periodMs` end the supervisor. Default 3, Elixir's. */
  readonly intensity?: number
  /** Milliseconds. Default 5000. */
  readonly periodMs?: number
  /** Unique on the node: the children are registered as `name/0`, `name/1`, … */
  readonly name: string
  /** How many. At least 1. */
  readonly partitions: number
  /** The child of each partition; its `id` and `name` are made here. */
  readonly child: Omit<ChildSpec<D>, 'id' | 'name'>
  /** The start argument of a partition. Default: that of `child` for each. Elixir: `with_arguments`. */
  readonly withArguments?: (argument: ArgumentOf<D>, partition: number) => ArgumentOf<D>
}

/** A partition supervisor's definition: started like any supervisor. */
export interface PartitionSupervisorDefinition<D extends Definition> extends Definition<undefined, SupervisorProtocol> {
  readonly partitions: number
  /** The process that has `key`; undefined while it has none. */
  whereis(by: Node | Self, key: PartitionKey): Ref<D> | undefined
  /** The processes of all partitions that have one, first to last. */
  all(by: Node | Self): Ref<D>[]
}

/**
 * Which of so many partitions has `key`: for integers `|key| mod partitions`, as in Elixir; for strings their FNV-1a hash
 * of 32 bits over UTF-16 code units. The same on every machine and in every version.
 * @throws OptionError for a number that is no safe integer
 */
export function partitionOf(key: PartitionKey, partitions: number): number {
  if (typeof key === 'bigint') return Number((key < 0n ? -key : key) % BigInt(partitions))
  if (typeof key === 'string') return fnv1a(key) % partitions
  if (!Number.isSafeInteger(key)) throw new OptionError('key', key, 'a string, a bigint or a safe integer')
  return Math.abs(key) % partitions
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193)
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193)
  }
  return hash >>> 0
}

/**
 * Defines a supervisor (`one_for_one`) of as many children of one kind as there are partitions. Elixir:
 * `PartitionSupervisor`.
 * @throws OptionError if `partitions` is no integer from 1 on, or `name` is empty
 */
export function partitionSupervisor<D extends Definition>(
  spec: PartitionSupervisorSpec<D>,
): PartitionSupervisorDefinition<D> {
  const { name, partitions, child, withArguments, intensity, periodMs } = spec
  if (!Number.isSafeInteger(partitions) || partitions < 1) {
    throw new OptionError('partitions', partitions, 'an integer >= 1')
  }
  if (name === '') throw new OptionError('name', name, 'a name that is not empty')
  const named = (partition: number) => `${name}/${partition}`
  const numbers = Array.from({ length: partitions }, (_, partition) => partition)
  const definition: D = child.start[0]
  const [, argument, options] = child.start as readonly unknown[]
  const children = numbers.map((partition) => {
    const given = withArguments === undefined ? argument : withArguments(argument as ArgumentOf<D>, partition)
    return { ...child, id: String(partition), name: named(partition), start: [definition, given, options] }
  })
  const flags = { intensity: intensity ?? 3, periodMs: periodMs ?? 5000 }
  const inner = supervisorOf(name, () => ({ ...flags, children }))
  const find = (by: Node | Self, partition: number) => actorOf(by).node.whereis(definition, named(partition))
  return {
    ...inner,
    partitions,
    whereis: (by, key) => find(by, partitionOf(key, partitions)),
    all: (by) => numbers.flatMap((partition) => find(by, partition) ?? []),
  }
}
