// The rows of erlang(3): links, monitors, exit signals, aliases, names, and what is to be seen of a process.

import type { Section } from './row.ts'

const heap = 'There is no heap of a process to tune.'
const ports = 'There are no ports.'
const otherNodes = 'Names are of one node.'

export const signalsSection: Section = {
  title: 'Links, monitors and exit signals',
  manual: 'erlang(3)',
  kind: 'signals',
  groups: [
    {
      title: 'spawn/1,3, spawn_link/1,3, spawn_monitor/1,3, spawn_opt/2,4',
      rows: [
        {
          otp: '`spawn/1`: a pid',
          ours: '`self.spawn(body)`, `node.spawn`',
          scenarios: ['spawn_kinds', 'return_is_normal'],
          tests: ['kernel/node: a pid is never given twice, and tells its node and life'],
        },
        {
          otp: '`spawn_link/1`; `link`',
          ours: '`self.spawn(body, { link: true })`',
          scenarios: ['spawn_kinds', 'spawn_link_crash'],
          has: ['"how":"spawn_link"'],
        },
        {
          otp: '`spawn_monitor/1`; `monitor`',
          ours: '`self.spawnMonitor(body)`',
          scenarios: ['spawn_kinds', 'spawn_monitor'],
          has: ['"how":"spawn_monitor"'],
        },
        {
          otp: '`{monitor, MonitorOpts}`',
          ours: '—',
          differs: '`spawn`, then `monitor` with options: the process does not run before its parent’s turn is over.',
        },
        {
          otp: '`{priority, Level}`: low, normal, high',
          ours: '`{ priority }`',
          tests: [
            'kernel/scheduler: ready processes of high priority run first, low ones last',
            'kernel/scheduler: while others wait, low processes get one turn in eight',
          ],
          differs: 'No `max`, which Erlang keeps to itself.',
        },
        {
          otp: '`{fullsweep_after, _}`, `{min_heap_size, _}`, `{min_bin_vheap_size, _}`, `{max_heap_size, _}`, `{message_queue_data, _}`',
          ours: '—',
          differs: heap,
        },
        {
          otp: '`spawn/2,4` and their like on another node; `spawn_request`',
          ours: '—',
          differs: 'A process is spawned where its parent is: a body does not travel.',
        },
        {
          otp: 'the function returns: exit `normal`',
          ours: 'the same',
          scenarios: ['return_is_normal'],
          has: ['"op":"return"', '"normal"'],
        },
      ],
    },
    {
      title: 'link/1, unlink/1',
      rows: [
        {
          otp: '`link/1`: `true`; both ways',
          ours: '`self.link(pid)`',
          scenarios: ['link_bidirectional', 'link_crash_propagates', 'link_normal_exit'],
          has: ['"op":"link"'],
        },
        { otp: 'a link that exists: nothing', ours: 'the same', scenarios: ['x_link_twice'], has: ['"op":"link"'] },
        { otp: 'a link to oneself: nothing', ours: 'the same', scenarios: ['x_link_self'], has: ['"op":"link"'] },
        {
          otp: '`noproc`: the process does not exist',
          ours: 'throws ProcessError, reason `noproc`',
          scenarios: ['link_dead'],
          has: ['"noproc"'],
        },
        {
          otp: 'trapping exits: a message with `noproc` instead',
          ours: 'the same',
          scenarios: ['link_dead'],
          has: ['"EXIT"', '"noproc"'],
        },
        {
          otp: 'exit signal `noconnection`',
          ours: 'the same',
          differs: 'Arises between nodes only, which these scenarios do not have.',
        },
        { otp: '`badarg`; links to ports', ours: '—', differs: `Does not compile. ${ports}` },
        {
          otp: '`unlink/1`: the link has no effect any more',
          ours: '`self.unlink(pid)`',
          scenarios: ['x_unlink_then_exit'],
          has: ['"op":"unlink"'],
        },
        {
          otp: 'an exit message that is already there stays',
          ours: 'the same',
          scenarios: ['unlink_flush'],
          has: ['"op":"unlink"', '"EXIT"'],
        },
        { otp: 'no such link: nothing', ours: 'the same', scenarios: ['unlink_not_linked'], has: ['"op":"unlink"'] },
      ],
    },
    {
      title: 'exit/1, error/1, exit/2',
      rows: [
        {
          otp: '`exit/1`: ends with the reason',
          ours: '`self.exit(reason)`',
          scenarios: ['link_crash_propagates', 'x_normal_along_links'],
          has: ['"op":"exit"'],
        },
        {
          otp: '`exit(kill)`: linked processes can trap it, and see `kill`',
          ours: 'the same',
          scenarios: ['exit_kill_is_plain'],
          has: ['{"t":["EXIT","b","kill"]}'],
        },
        {
          otp: '`error/1`: `{Reason, Stack}`',
          ours: '`throw`: a `Crash`, `{ error, stack }`',
          scenarios: ['error_has_stack'],
          has: ['"op":"error"'],
        },
        { otp: '`error/2,3`: arguments and options', ours: '—', differs: 'An `Error` carries what it needs.' },
        {
          otp: '`exit/2`: not trapping, it exits with the reason',
          ours: '`self.sendExit(pid, reason)`',
          scenarios: ['exit_signal_reasons', 'x_exit_to_linked'],
          has: ['"op":"exit_to"'],
        },
        {
          otp: "trapping: `{'EXIT', From, Reason}`",
          ours: '`Exit { from, reason }`',
          scenarios: ['x_exit_self_trap', 'spawn_kinds'],
          has: ['"EXIT"'],
        },
        {
          otp: '`normal`: a message if trapped, else nothing',
          ours: 'the same',
          scenarios: ['exit_signal_reasons', 'x_normal_along_links'],
          has: ['"normal"'],
        },
        {
          otp: '`kill`: untrappable; the reason becomes `killed`',
          ours: 'the same',
          scenarios: ['kill_becomes_killed', 'x_kill_trapping_hub', 'exit_reason_killed_trap'],
          has: ['"reason":"kill"', '"killed"'],
        },
        {
          otp: '`exit(self(), normal)` ends, unless trapped',
          ours: 'the same',
          scenarios: ['exit_to_self', 'x_exit_self_normal_links', 'x_exit_self_trap'],
          has: ['"op":"exit_to"'],
        },
        { otp: 'to nobody: `true`', ours: 'nothing', scenarios: ['exit_to_dead'], has: ['"op":"exit_to"'] },
        {
          otp: 'signals from one process to another keep their order',
          ours: 'the same',
          scenarios: ['send_then_exit', 'x_exit_before_downs'],
          tests: [
            'kernel/signals: signals from one process to another arrive in the order of sending: messages, exits, links, monitors',
          ],
        },
      ],
    },
    {
      title: 'monitor/2,3',
      rows: [
        {
          otp: "`monitor(process, Pid)`: `{'DOWN', Ref, process, Pid, Reason}` once",
          ours: '`self.monitor(pid)`: `Down { ref, target, reason }`',
          scenarios: ['monitor_basic', 'link_and_monitor'],
          has: ['"DOWN"'],
        },
        {
          otp: 'each call is a monitor of its own',
          ours: 'the same',
          scenarios: ['x_monitor_twice_demonitor_one'],
          has: ['"ref2"'],
        },
        { otp: '`noproc`: there is no such process', ours: 'the same', scenarios: ['monitor_dead'], has: ['"noproc"'] },
        {
          otp: 'by name: `{Name, Node}` in the message; resolved once',
          ours: '`self.monitor(name)`: the name is the target',
          scenarios: ['monitor_by_name', 'monitor_name_resolved_once', 'x_by_name_order'],
          has: ['{"t":["reg",'],
        },
        { otp: 'of oneself: nothing', ours: 'the same', scenarios: ['monitor_self'], has: ['"op":"monitor"'] },
        {
          otp: '`noconnection`',
          ours: 'the same',
          differs: 'Arises between nodes only, which these scenarios do not have.',
        },
        { otp: '`{Name, Node}`', ours: '—', differs: otherNodes },
        { otp: '`port`, `time_offset`', ours: '—', differs: `${ports} The clocks of the ports are the host’s.` },
        {
          otp: '`{alias, explicit_unalias}`',
          ours: "`{ alias: 'explicit_unalias' }`",
          scenarios: ['x_alias_explicit', 'x_alias_explicit_unalias_first'],
          has: ['"alias":"explicit_unalias"'],
        },
        {
          otp: '`{alias, demonitor}`',
          ours: "`{ alias: 'demonitor' }`",
          scenarios: ['x_alias_demonitor', 'x_alias_demonitor_down', 'x_alias_demonitor_unalias'],
          has: ['"alias":"demonitor"'],
        },
        {
          otp: '`{alias, reply_demonitor}`',
          ours: "`{ alias: 'reply_demonitor' }`",
          scenarios: ['x_alias_reply', 'x_alias_reply_demonitor', 'x_alias_reply_down', 'x_alias_reply_unalias'],
          has: ['"alias":"reply_demonitor"'],
        },
        {
          otp: 'of oneself no alias is made',
          ours: 'the same',
          scenarios: ['monitor_self_alias'],
          has: ['"alias":'],
        },
        { otp: '`{tag, Term}`', ours: '—', differs: 'Tell one `Down` from another by its `ref`.' },
      ],
    },
    {
      title: 'demonitor/1,2',
      rows: [
        {
          otp: '`true`; no message from then on',
          ours: '`self.demonitor(ref)`: true',
          scenarios: ['demonitor', 'demonitor_info'],
          has: ['"op":"demonitor"'],
        },
        { otp: '`flush`', ours: '`{ flush: true }`', scenarios: ['demonitor_flush'], has: ['["flush"'] },
        {
          otp: '`info`: `true` or `false`',
          ours: '`{ info: true }`',
          scenarios: ['demonitor_info'],
          has: ['["info"]', '["result","a",false]', '["result","a",true]'],
        },
        {
          otp: '`[flush, info]`',
          ours: '`{ flush: true, info: true }`',
          scenarios: ['x_demonitor_flush_info'],
          has: ['"flush","info"'],
        },
        {
          otp: '`badarg`: the monitor of another process',
          ours: 'nothing: true, or with `info` false',
          differs: 'OTP fails where that is cheap to see; the scenarios’ driver tries no such thing.',
        },
      ],
    },
    {
      title: 'alias/0,1, unalias/1',
      rows: [
        {
          otp: '`alias/0`, `alias([explicit_unalias])`',
          ours: '`self.alias()`',
          scenarios: ['alias_basic', 'unalias_not_owner'],
          has: ['"op":"alias"'],
        },
        {
          otp: '`alias([reply])`',
          ours: '`self.alias({ reply: true })`',
          tests: ['kernel/aliases: of mode reply takes one'],
        },
        {
          otp: '`unalias/1`: `true`; `false` if it was no alias of the caller',
          ours: '`self.unalias(alias)`',
          scenarios: ['unalias_not_owner', 'alias_basic'],
          has: ['"op":"unalias"'],
        },
        {
          otp: 'a message to an alias that is no more is dropped',
          ours: 'the same',
          scenarios: ['unalias_not_owner', 'x_alias_owner_dies'],
          has: ['"op":"send_alias"'],
        },
      ],
    },
    {
      title: 'process_flag/2, is_process_alive/1, process_info/1,2',
      rows: [
        {
          otp: '`process_flag(trap_exit, Bool)`: the old value',
          ours: '`self.trapExit`',
          scenarios: ['trap_return_value'],
          has: ['"op":"trap_exit"', '["result","a",false]'],
        },
        {
          otp: '`process_flag(priority, Level)`',
          ours: '`{ priority }`, at the start only',
          tests: ['kernel/scheduler: ready processes of high priority run first, low ones last'],
          differs: 'The priority of a process does not change.',
        },
        {
          otp: '`error_handler`, `fullsweep_after`, `min_heap_size`, `min_bin_vheap_size`, `max_heap_size`, `message_queue_data`, `save_calls`, `sensitive`',
          ours: '—',
          differs: `${heap} No module is loaded on call, and none is traced.`,
        },
        {
          otp: '`is_process_alive/1`: after the signals that the caller has sent',
          ours: '`self.isAlive(pid)`',
          scenarios: ['alive_sees_own_signals'],
          has: ['["result","a",[true,true,false]]'],
        },
        {
          otp: '`process_info`: `links`, `monitors`',
          ours: '`self.links()`, `self.monitors()`; `processInfo`',
          scenarios: ['spawn_kinds', 'monitor_name_resolved_once'],
          has: ['"op":"monitors"'],
          tests: ['behaviours/process-info: shows names, links, monitors, flags and parent'],
        },
        {
          otp: '`monitored_by`, `trap_exit`, `priority`, `registered_name`, `parent`, `initial_call`',
          ours: '`processInfo`: `definition` for the call',
          tests: ['behaviours/process-info: shows names, links, monitors, flags and parent'],
        },
        {
          otp: '`status`, `message_queue_len`',
          ours: '`status`, `mailboxLength`, `handling`',
          tests: ['behaviours/process-info: tells a process at work by the tag of what it handles, and how much waits'],
        },
        {
          otp: '`undefined`: it is not alive',
          ours: 'the same',
          tests: [
            'behaviours/process-info: comes behind the signals of the asker, and is undefined of a process that is no more',
          ],
        },
        {
          otp: '`messages`, `dictionary`, `current_stacktrace`, `reductions`, `memory`, `heap_size` and the other items',
          ours: '—',
          differs: 'The host does not tell them of one process.',
        },
      ],
    },
    {
      title: 'Names and messages',
      rows: [
        {
          otp: '`register/2`: `true`',
          ours: '`self.register(name, pid)`',
          scenarios: ['register', 'register_death'],
          has: ['"op":"register"'],
        },
        {
          otp: '`badarg`: the name is taken, the process has one, or is no more',
          ours: 'throws ProcessError, reason `badarg`',
          scenarios: ['register_refusals', 'x_second_name'],
          has: ['"badarg"'],
        },
        {
          otp: '`badarg`: the name `undefined`',
          ours: 'a name as any other',
          differs: 'Nobody is `undefined`, not a name.',
        },
        {
          otp: '`unregister/1`; `badarg`: nobody has it',
          ours: 'the same',
          scenarios: ['register', 'register_refusals'],
          has: ['"op":"unregister"'],
        },
        {
          otp: '`whereis/1`: pid or `undefined`',
          ours: '`self.whereis(name)`',
          scenarios: ['register', 'register_refusals'],
          has: ['"op":"whereis"', '"undefined"]'],
        },
        {
          otp: '`registered/0`',
          ours: '`node.registered()`',
          scenarios: ['x_second_name'],
          has: ['["registered",[["n2","b"]]]'],
        },
        {
          otp: 'a name is free when its process has ended',
          ours: 'the same',
          scenarios: ['register_death'],
          tests: ['kernel/names: belongs to a process until it ends, and is free then'],
        },
        {
          otp: '`Pid ! Message`; to nobody: nothing',
          ours: '`self.send(pid, message)`',
          scenarios: ['send_dead', 'send_then_exit'],
          has: ['"op":"send"'],
        },
        {
          otp: '`Name ! Message`; `badarg`: nobody has it',
          ours: '`self.send(name, message)`',
          scenarios: ['register', 'register_refusals'],
          has: ['"op":"send_name"', '"badarg"'],
        },
        { otp: '`{Name, Node} ! Message`', ours: '—', differs: otherNodes },
        { otp: '`monitor_node/2`, `group_leader/0,2`, `hibernate/3`', ours: '—', differs: 'Nothing here needs them.' },
      ],
    },
  ],
}
