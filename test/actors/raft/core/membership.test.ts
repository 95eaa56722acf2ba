// Changes of membership (Raft thesis §4; joint consensus §4.3), other lives of members, and the bugs of both.

import { describe, expect, it } from 'vitest'
import type { Configuration, Member } from '../../../../actors/raft/core/configuration.ts'
import { change, isThrough, toward, withLearners, withNewLife } from '../../../../actors/raft/core/membership-plan.ts'
import { Cluster } from './cluster.ts'
import { configurationEntry, LoneCore, logOf, ofType, sends, voters } from './lone-core.ts'

const three = voters('n1', 'n2', 'n3')
const learner = (id: string, incarnation = '', promote = false): Member => {
  return { id, incarnation, role: 'learner', ...(promote ? { promote: true } : {}) }
}
const voter = (id: string, incarnation = ''): Member => ({ id, incarnation, role: 'voter' })
const yes = () => true

describe('a plan', () => {
  it('adds voters as learners that shall be promoted, and learners as such', () => {
    const add = (node: string, role: Member['role'], incarnation = 'x') =>
      change(three, { op: 'add', node, incarnation, role }, yes)
    expect(add('n0', 'voter')).toEqual({ members: [learner('n0', 'x', true), ...three.members] })
    expect(add('n4', 'learner')).toEqual({ members: [...three.members, learner('n4', 'x')] })
    expect(add('n4', 'witness')).toEqual({
      members: [...three.members, { id: 'n4', incarnation: 'x', role: 'witness' }],
    })
    expect(add('n3', 'voter', '')).toBe('alreadyMember')
    expect(add('n3', 'learner', '')).toBe('alreadyMember')
    // Another life of a voter: one vote less.
    expect(add('n3', 'voter')).toEqual({ members: [voter('n1'), voter('n2'), learner('n3', 'x', true)] })
  })

  it('knows a learner that waits for its promotion from one that does not', () => {
    const group = { members: [...three.members, learner('n4'), learner('n5', '', true)] }
    const add = (node: string, role: Member['role']) => change(group, { op: 'add', node, incarnation: '', role }, yes)
    expect(add('n4', 'learner')).toBe('alreadyMember')
    expect(add('n5', 'voter')).toBe('alreadyMember')
    expect(add('n4', 'witness')).toEqual({
      members: [...three.members, { id: 'n4', incarnation: '', role: 'witness' }, learner('n5', '', true)],
    })
    expect(add('n4', 'voter')).toEqual({
      members: [...three.members, learner('n4', '', true), learner('n5', '', true)],
    })
  })

  it('promotes a learner that has caught up, and removes a member', () => {
    const group = { members: [...three.members, learner('n4')] }
    expect(change(group, { op: 'promote', node: 'n4' }, yes)).toEqual(voters('n1', 'n2', 'n3', 'n4'))
    expect(change(group, { op: 'promote', node: 'n4' }, () => false)).toBe('notCaughtUp')
    expect(change(group, { op: 'promote', node: 'n3' }, yes)).toBe('alreadyMember')
    expect(change(group, { op: 'promote', node: 'n9' }, yes)).toBe('notMember')
    expect(change(group, { op: 'remove', node: 'n9' }, yes)).toBe('notMember')
    expect(change(group, { op: 'remove', node: 'n3' }, yes)).toEqual({
      members: [voter('n1'), voter('n2'), learner('n4')],
    })
    expect(change(group, { op: 'remove', node: 'n4' }, yes)).toEqual(three)
  })

  it('replaces all by voters in their present lives, and keeps witnesses what they are', () => {
    const group: Configuration = {
      members: [voter('n1', 'a'), { id: 'n2', incarnation: '', role: 'witness' }, learner('n3', 'c')],
    }
    const members = ['n4', 'n3', 'n2', 'n2']
    expect(change(group, { op: 'replaceAll', members, incarnations: { n4: 'd' } }, yes)).toEqual({
      members: [{ id: 'n2', incarnation: '', role: 'witness' }, voter('n3', 'c'), voter('n4', 'd')],
    })
    expect(change(group, { op: 'replaceAll', members: [] }, yes)).toBe('unsupported')
  })

  it('is joint as soon as more than one vote differs, in life too', () => {
    expect(toward(three, voters('n1', 'n2').members)).toEqual(voters('n1', 'n2'))
    expect(toward(three, voters('n1', 'n2', 'n3', 'n4').members)).toEqual(voters('n1', 'n2', 'n3', 'n4'))
    expect(toward(three, [...three.members, learner('n4')])).toEqual({ members: [...three.members, learner('n4')] })
    const swapped = voters('n1', 'n2', 'n4').members
    expect(toward(three, swapped)).toEqual({ members: swapped, outgoing: three.members })
    const reborn = [voter('n1'), voter('n2'), voter('n3', 'x')]
    expect(toward(three, reborn).outgoing).toEqual(three.members)
    const group = { members: [...three.members, learner('n4')] }
    expect(toward(group, [voter('n1')]).outgoing).toEqual(three.members)
  })

  it('lets newcomers learn first', () => {
    expect(withLearners(three, three.members)).toBeUndefined()
    expect(withLearners(three, voters('n2', 'n4').members)).toEqual({ members: [...three.members, learner('n4')] })
    expect(withLearners(three, [voter('n1'), voter('n2'), voter('n3', 'x')])).toEqual({
      members: [voter('n1'), voter('n2'), learner('n3', 'x')],
    })
  })

  it('takes another life of a voter in as a learner, and only where other voters can tell', () => {
    expect(withNewLife(three, 'n2', 'x')).toEqual({ members: [voter('n1'), learner('n2', 'x', true), voter('n3')] })
    expect(withNewLife(voters('n1'), 'n1', 'x')).toBeUndefined()
    expect(withNewLife(three, 'n9', 'x')).toBeUndefined()
    const group: Configuration = {
      members: [voter('n1'), { id: 'n2', incarnation: '', role: 'witness' }, learner('n3')],
    }
    expect(withNewLife(group, 'n3', 'x')).toEqual({ members: [...group.members.slice(0, 2), learner('n3', 'x')] })
    expect(withNewLife(group, 'n2', 'x')?.outgoing).toEqual(group.members.slice(0, 2))
  })

  it('is through when the committed configuration has it', () => {
    const group: Configuration = {
      members: [voter('n1'), learner('n2'), { id: 'n3', incarnation: '', role: 'witness' }],
    }
    const add = (node: string, role: Member['role']) => isThrough(group, { op: 'add', node, incarnation: '', role })
    expect([
      add('n1', 'voter'),
      add('n2', 'voter'),
      add('n9', 'voter'),
      add('n2', 'learner'),
      add('n3', 'witness'),
    ]).toEqual([true, undefined, false, true, true])
    expect(isThrough(group, { op: 'promote', node: 'n1' })).toBe(true)
    expect(isThrough(group, { op: 'promote', node: 'n2' })).toBeUndefined()
    expect(isThrough(group, { op: 'remove', node: 'n1' })).toBe(false)
    expect(isThrough(group, { op: 'remove', node: 'n9' })).toBe(true)
    expect(isThrough(group, { op: 'replaceAll', members: ['n3', 'n1', 'n1'] })).toBe(true)
    expect(isThrough(group, { op: 'replaceAll', members: ['n1'] })).toBe(false)
    expect(isThrough(group, { op: 'replaceAll', members: ['n1', 'n2'] })).toBe(false)
  })
})

function started(options = {}) {
  const cluster = new Cluster(options)
  cluster.elect('n1')
  return cluster
}
const roles = (cluster: Cluster, id = 'n1') =>
  Object.fromEntries(cluster.core(id).configuration.configuration.members.map((member) => [member.id, member.role]))

describe('a group', () => {
  it('takes a newcomer in as a learner, and makes it a voter once it has caught up', () => {
    const cluster = started()
    cluster.propose('n1', 'a', 'b')
    cluster.add('n4', 'x')
    cluster.loses = (_, to, { kind }) => to === 'n4' && kind === 'append'
    const id = cluster.change('n1', { op: 'add', node: 'n4', incarnation: 'x', role: 'voter' })
    cluster.run(400)
    expect(roles(cluster)).toEqual({ n1: 'voter', n2: 'voter', n3: 'voter', n4: 'learner' })
    expect(cluster.get('n1').answers.done.has(id)).toBe(false)
    cluster.loses = () => false
    expect(cluster.until(() => cluster.get('n1').answers.done.has(id))).toBe(true)
    expect(roles(cluster).n4).toBe('voter')
    expect(cluster.core('n1').committedConfiguration.configuration).toEqual(
      cluster.core('n1').configuration.configuration,
    )
    cluster.run(200)
    expect(cluster.commands('n4')).toEqual(['a', 'b'])
    expect(cluster.core('n4').isVoter).toBe(true)
  })

  it('finds out by itself which life a newcomer lives', () => {
    const cluster = started()
    cluster.add('n4', 'x')
    const id = cluster.change('n1', { op: 'add', node: 'n4', incarnation: '', role: 'voter' })
    expect(cluster.until(() => cluster.get('n1').answers.done.has(id))).toBe(true)
    expect(cluster.core('n4').isVoter).toBe(true)
  })

  it('adds a witness, which votes and stores and applies nothing', () => {
    const cluster = started()
    cluster.add('n4', 'x')
    const id = cluster.change('n1', { op: 'add', node: 'n4', incarnation: 'x', role: 'witness' })
    expect(cluster.until(() => cluster.get('n1').answers.done.has(id))).toBe(true)
    expect(roles(cluster).n4).toBe('witness')
    cluster.propose('n1', 'a')
    cluster.run(200)
    expect(cluster.core('n4')).toMatchObject({
      commitIndex: cluster.core('n1').commitIndex,
      appliedIndex: cluster.core('n1').commitIndex,
    })
    expect(cluster.commands('n4')).toEqual([])
    cluster.run(200)
    cluster.crash('n1')
    cluster.crash('n2')
    expect(cluster.until(() => cluster.leader?.id === 'n3', 3000)).toBe(false)
    cluster.restart('n2')
    expect(cluster.until(() => cluster.leader !== undefined, 3000)).toBe(true)
  })

  it('gives a witness only what is durable at the leader', () => {
    const cluster = started()
    cluster.add('n4', 'x')
    const id = cluster.change('n1', { op: 'add', node: 'n4', incarnation: 'x', role: 'witness' })
    cluster.until(() => cluster.get('n1').answers.done.has(id))
    cluster.gateDisk('n1')
    const { durableIndex } = cluster.core('n1')
    cluster.propose('n1', 'a')
    cluster.run(100)
    expect(cluster.core('n4').lastPosition.index).toBe(durableIndex)
    expect(cluster.core('n2').lastPosition.index).toBe(durableIndex + 1)
    cluster.releaseDisk('n1')
    cluster.run(40)
    expect(cluster.core('n4').lastPosition.index).toBe(durableIndex + 1)
  })

  it('refuses to promote who lags, and promotes who does not', () => {
    const cluster = started()
    cluster.add('n4', 'x')
    const added = cluster.change('n1', { op: 'add', node: 'n4', incarnation: 'x', role: 'learner' })
    cluster.until(() => cluster.get('n1').answers.done.has(added))
    cluster.crash('n4')
    cluster.propose('n1', 'a')
    cluster.run(150)
    const early = cluster.change('n1', { op: 'promote', node: 'n4' })
    expect(cluster.get('n1').answers.refused.get(early)?.code).toBe('notCaughtUp')
    cluster.restart('n4')
    cluster.run(300)
    const late = cluster.change('n1', { op: 'promote', node: 'n4' })
    expect(cluster.until(() => cluster.get('n1').answers.done.has(late))).toBe(true)
    expect(roles(cluster).n4).toBe('voter')
  })

  it('lets a removed leader lead until its removal is committed, and tell so (34)', () => {
    const cluster = started()
    const id = cluster.change('n1', { op: 'remove', node: 'n1' })
    expect(cluster.core('n1').role).toBe('leader')
    expect(cluster.until(() => cluster.get('n1').answers.done.has(id))).toBe(true)
    expect(cluster.core('n1').role).toBe('follower')
    expect(cluster.get('n1').transitions).toContainEqual({ name: 'stepDown', why: 'removed' })
    cluster.run(20)
    expect(cluster.core('n2').committedConfiguration.configuration).toEqual(voters('n2', 'n3'))
    expect(cluster.until(() => cluster.leader !== undefined)).toBe(true)
    const { term } = cluster.leader?.core ?? {}
    cluster.run(3000)
    expect(cluster.leader?.core.term).toBe(term)
  })

  it('removes a follower, which disturbs nobody after', () => {
    const cluster = started()
    cluster.change('n1', { op: 'remove', node: 'n3' })
    cluster.run(5000)
    expect(roles(cluster)).toEqual({ n1: 'voter', n2: 'voter' })
    expect(cluster.core('n1')).toMatchObject({ role: 'leader', term: 1 })
    expect([...cluster.core('n1').peers.keys()]).toEqual(['n2'])
  })

  it('changes jointly to another set, and leaves the joint configuration by itself', () => {
    const cluster = started()
    cluster.propose('n1', 'a')
    cluster.add('n4', 'x')
    cluster.add('n5', 'y')
    const incarnations = { n4: 'x', n5: 'y' }
    const id = cluster.change('n1', { op: 'replaceAll', members: ['n3', 'n4', 'n5'], incarnations })
    expect(cluster.until(() => cluster.get('n1').answers.done.has(id))).toBe(true)
    const joint = cluster.get('n1').transitions.filter((transition) => transition.name === 'configuration')
    expect(joint.map((transition) => 'joint' in transition && transition.joint)).toEqual([false, false, true, false])
    expect(cluster.until(() => cluster.leader !== undefined && cluster.leader.id !== 'n1')).toBe(true)
    cluster.run(300)
    expect(cluster.leader?.core.configuration.configuration).toEqual({
      members: [voter('n3'), voter('n4', 'x'), voter('n5', 'y')],
    })
    expect(cluster.commands('n5')).toEqual(['a'])
  })

  it('gives up a replacement whose new members never come', () => {
    const cluster = started()
    const id = cluster.change('n1', { op: 'replaceAll', members: ['n7', 'n8'] })
    cluster.run(2000)
    const other = cluster.change('n1', { op: 'remove', node: 'n3' })
    expect(cluster.get('n1').answers.refused.get(other)?.code).toBe('changeInProgress')
    cluster.run(1500)
    expect(cluster.get('n1').answers.refused.get(id)?.code).toBe('notCaughtUp')
    cluster.propose('n1', 'a')
    cluster.run(50)
    expect(cluster.commands('n1')).toEqual(['a'])
  })

  it('leaves a joint configuration under another leader only once that has committed it (14)', () => {
    const joint: Configuration = { members: voters('n1', 'n2').members, outgoing: three.members }
    const stand = LoneCore.recovered([...logOf(three), configurationEntry(2, 1, joint)], 1).lead()
    expect(stand.core.lastPosition.index).toBe(3)
    stand.acknowledge('n2', 2)
    expect(stand.core.lastPosition.index).toBe(3)
    stand.acknowledge('n2', 3)
    expect(stand.core.commitIndex).toBe(3)
    expect(stand.core.configuration).toEqual({ at: 4, configuration: voters('n1', 'n2') })
  })

  it('needs both majorities while a change is joint, to commit and to elect', () => {
    const joint: Configuration = { members: voters('n1', 'n4', 'n5').members, outgoing: three.members }
    const stand = LoneCore.recovered([...logOf(three), configurationEntry(2, 1, joint)], 1, { stable: false })
    stand.settle({ type: 'campaign' })
    stand.receive({ kind: 'voteReply', from: 'n4', term: 2, granted: true })
    expect(stand.core.role).toBe('candidate')
    stand.receive({ kind: 'voteReply', from: 'n3', term: 2, granted: true })
    expect(stand.core.role).toBe('leader')
    stand.persist()
    stand.acknowledge('n2')
    stand.acknowledge('n3')
    expect(stand.core.commitIndex).toBe(1)
    stand.acknowledge('n5')
    expect(stand.core.commitIndex).toBe(3)
  })
})

describe('a change', () => {
  const codeOf = (stand: LoneCore) => ofType(stand.effects, 'refused').at(-1)?.refused.code
  const remove = (stand: LoneCore, node = 'n3') =>
    stand.step({ type: 'changeMembership', id: 9, change: { op: 'remove', node }, epochMs: 0 })

  it('is refused until an entry of the term is committed (1)', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    remove(stand)
    expect(codeOf(stand)).toBe('notReady')
    stand.acknowledge('n2')
    stand.clear()
    remove(stand)
    expect(codeOf(stand)).toBeUndefined()
    expect(stand.core.configuration.at).toBe(3)
  })

  it('is refused while another is not committed, or leadership is being handed over, and by who does not lead', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.acknowledge('n2')
    remove(stand)
    remove(stand)
    expect(codeOf(stand)).toBe('changeInProgress')
    const other = LoneCore.recovered(logOf(three), 1).lead()
    other.acknowledge('n2')
    other.step({ type: 'transfer', id: 1, to: 'n3' })
    remove(other)
    expect(codeOf(other)).toBe('transferring')
    const follower = LoneCore.recovered(logOf(three), 1)
    remove(follower)
    expect(codeOf(follower)).toBe('notLeader')
    const alone = LoneCore.recovered(logOf(voters('n1')), 1).lead()
    remove(alone, 'n1')
    expect(codeOf(alone)).toBe('unsupported')
    remove(alone, 'n9')
    expect(codeOf(alone)).toBe('notMember')
  })

  it('is taken back with its entry (truncation), and refused to who waited', () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.acknowledge('n2')
    remove(stand)
    expect(stand.core.configuration.configuration).toEqual(voters('n1', 'n2'))
    stand.clear()
    stand.receive({
      kind: 'append',
      from: 'n3',
      term: 5,
      previous: { index: 2, term: 2 },
      entries: [configurationEntry(3, 5, voters('n1', 'n3'))],
      commit: 2,
      round: 1,
    })
    expect(ofType(stand.effects, 'refused')).toMatchObject([{ ids: [9], refused: { code: 'notLeader' } }])
    expect(
      ofType(stand.effects, 'configuration').map(({ at, configuration }) => [at, configuration.members.length]),
    ).toEqual([
      [1, 3],
      [3, 2],
    ])
    expect(stand.core.configuration.configuration).toEqual(voters('n1', 'n3'))
  })
})

describe('another life of a member (33)', () => {
  it('is taken in by the log, never votes before, and is a voter again in the end', () => {
    const cluster = started()
    cluster.propose('n1', 'a')
    cluster.run(100)
    cluster.crash('n3')
    cluster.wipe('n3', 'second')
    cluster.restart('n3')
    expect(cluster.core('n3').isVoter).toBe(false)
    expect(cluster.until(() => roles(cluster).n3 === 'learner', 2000)).toBe(true)
    expect(cluster.until(() => cluster.core('n3').isVoter, 2000)).toBe(true)
    expect(cluster.core('n1').configuration.configuration.members[2]).toEqual(voter('n3', 'second'))
    expect(cluster.commands('n3')).toEqual(['a'])
    expect(cluster.core('n1').term).toBe(1)
  })

  const hear = (stand: LoneCore, incarnation: string, round: number) =>
    stand.receive({
      kind: 'appendReply',
      from: 'n3',
      incarnation,
      term: 2,
      round,
      outcome: { accepted: false, previous: 1, hint: { index: 0, term: 0 } },
    })
  const beat = (stand: LoneCore) => {
    const effects = stand.step({ type: 'timeout', timer: 'heartbeat' })
    return sends(effects, 'append')[0]?.message.round ?? 0
  }
  const ready = () => {
    const stand = LoneCore.recovered(logOf(three), 1).lead()
    stand.acknowledge('n2')
    return { stand, first: beat(stand) }
  }

  it('is believed once it answers a round sent after it was first heard: late words of a past life do not count', () => {
    const { stand, first } = ready()
    hear(stand, 'second', first)
    hear(stand, 'second', first)
    expect(stand.core.configuration.at).toBe(1)
    const next = beat(stand)
    hear(stand, 'second', first)
    expect(stand.core.configuration.at).toBe(1)
    hear(stand, 'second', next)
    expect(stand.core.configuration.configuration.members[2]).toEqual(learner('n3', 'second', true))
    expect(stand.core.peers.get('n3')?.incarnation).toBe('second')
  })

  it('gives way to a later one, not to an earlier one', () => {
    const { stand, first } = ready()
    hear(stand, 'second', first)
    hear(stand, 'third', beat(stand))
    hear(stand, 'second', first)
    hear(stand, 'third', beat(stand))
    expect(stand.core.configuration.configuration.members[2]).toEqual(learner('n3', 'third', true))
  })

  it('is of the past if the configured one answers later', () => {
    const { stand, first } = ready()
    hear(stand, 'earlier', first)
    const next = beat(stand)
    stand.acknowledge('n3', 2, first)
    hear(stand, 'earlier', first)
    stand.acknowledge('n3', 2, next)
    hear(stand, 'earlier', next)
    expect(stand.core.configuration.at).toBe(1)
    hear(stand, 'earlier', beat(stand))
    expect(stand.core.configuration.at).toBe(3)
  })

  it('of the only voter beside is left to whoever runs the group, and keeps nobody else from going on', () => {
    const group = { members: [voter('n1'), learner('n2', '', true), learner('n3')] }
    const stand = LoneCore.recovered(logOf(group), 1)
    stand.settle({ type: 'campaign' })
    stand.persist()
    stand.clear()
    hear(stand, 'second', beat(stand))
    hear(stand, 'second', beat(stand))
    expect(stand.core.configuration.configuration.members[2]).toEqual(learner('n3', 'second'))
  })

  it('holds no commitment up and gives none', () => {
    const { stand } = ready()
    stand.propose('a')
    stand.persist()
    stand.receive({
      kind: 'appendReply',
      from: 'n3',
      incarnation: 'second',
      term: 2,
      round: 1,
      outcome: { accepted: true, match: 3 },
    })
    expect(stand.core.commitIndex).toBe(2)
    stand.acknowledge('n3')
    expect(stand.core.commitIndex).toBe(3)
  })
})
