// The replies that are not finished, as far as this page has heard them. Frames alone change them.
// Events of `Replies`: "change" (something was said), "final", "gap" (a frame is missing: say hello anew).

import { verify } from "./digest.js";

const ACK_FRAMES = 64;
const ACK_MS = 1000;

export class Reply {
    seq = 0;
    acked = 0;
    text = "";
    parts = [];
    model = "";
    turn = 0;
    status = "pending";
    notes = [];
    tools = new Map();
    questions = new Map();
    final = null;
    heardAt = Date.now();

    constructor(id) {
        this.id = id;
    }

    take(frame) {
        this.seq = frame.seq;
        this.heardAt = Date.now();
        this[`_${frame.type}`]?.(frame);
    }

    _snapshot(frame) {
        this.text = frame.text;
        this.status = frame.status;
        this.parts = frame.parts.map((part) => ({ ...part }));
        this.tools = new Map(frame.tools.map((call) => [call.call_id, call]));
    }

    _started(frame) {
        this.status = "streaming";
        this.model = frame.model ?? "";
    }

    // A turn that begins anew takes back what was thought before it broke off, as chat/parts.py does.
    _turn(frame) {
        const last = () => this.parts.at(-1);
        while (last()?.kind === "thinking" && last().turn === frame.turn) this.parts.pop();
        this.turn = frame.turn;
        this.status = "streaming";
    }

    _delta(frame) {
        this.text += frame.text;
        this.status = "streaming";
        this.#grow("text", frame.text);
    }

    _thinking(frame) {
        this.#grow("thinking", frame.text);
    }

    _tool_started(frame) {
        this.#endThought();
        if (!this.tools.has(frame.call_id)) this.parts.push({ kind: "tool", call_id: frame.call_id });
        this.tools.set(frame.call_id, { ...frame });
    }

    _tool_finished(frame) {
        this.tools.set(frame.call_id, { ...this.tools.get(frame.call_id), ...frame });
    }

    _usage(frame) {
        this.model = frame.model || this.model;
    }

    _notice(frame) {
        this.notes.push(frame.text);
    }

    _question(frame) {
        this.#endThought();
        this.questions.set(frame.question_id, { ...frame, id: frame.question_id, status: "open" });
    }

    _question_settled(frame) {
        const asked = this.questions.get(frame.question_id);
        if (asked) asked.status = frame.status;
    }

    _final(frame) {
        this.#endThought();
        this.final = frame;
        this.status = frame.status;
    }

    // The same as chat/parts.py: what goes on is one part, and a question ends a thought.
    #grow(kind, text) {
        const last = this.parts.at(-1);
        if (last?.kind === kind && !isOver(last)) {
            last.text += text;
            return;
        }
        this.#endThought();
        this.parts.push({ kind, text, since: Date.now(), turn: this.turn });
    }

    #endThought() {
        const last = this.parts.at(-1);
        if (last?.kind === "thinking" && !isOver(last)) last.duration_ms = Date.now() - (last.since ?? Date.now());
    }
}

function isOver(part) {
    return part.duration_ms !== null && part.duration_ms !== undefined;
}

export class Replies extends EventTarget {
    #known = new Map();
    #say;

    constructor(say) {
        super();
        this.#say = say;
        setInterval(() => this.#known.forEach((reply) => this.#ack(reply, 1)), ACK_MS);
    }

    get(id) {
        return this.#known.get(id);
    }

    // Begins to follow a reply of which nothing was heard yet.
    expect(id) {
        if (!this.#known.has(id)) this.#known.set(id, new Reply(id));
        return this.#known.get(id);
    }

    forget(id) {
        this.#known.delete(id);
    }

    // What a hello tells: where to go on.
    positions() {
        const live = [...this.#known.values()].filter((reply) => !reply.final);
        return Object.fromEntries(live.map((reply) => [reply.id, reply.seq]));
    }

    unfinished() {
        return [...this.#known.values()].filter((reply) => !reply.final);
    }

    take(frame) {
        const reply = this.expect(frame.message_id);
        const replaces = frame.type === "snapshot";
        if (reply.final || (!replaces && frame.seq <= reply.seq)) return;
        if (!replaces && frame.seq > reply.seq + 1) return this.#tell("gap", reply);
        reply.take(frame);
        this.#ack(reply, ACK_FRAMES);
        this.#tell("change", reply);
        if (reply.final) verify(reply).then((whole) => this.#tell("final", reply, whole));
    }

    #ack(reply, most) {
        if (reply.final || reply.seq - reply.acked < most) return;
        if (this.#say({ type: "ack", message_id: reply.id, seq: reply.seq })) reply.acked = reply.seq;
    }

    #tell(name, reply, whole = true) {
        this.dispatchEvent(new CustomEvent(name, { detail: { reply, whole } }));
    }
}
