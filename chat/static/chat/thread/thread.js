// The conversation that is shown: its messages in their order, the ones under way, the ones not sent yet.
// Events: "shown" when something of it changed on screen, "drawn" when words came, "begun" when it got its id,
// "forked" with the id of the conversation in which it goes on, "gone" when it cannot be shown.

import { all, get, patch, post } from "../lib/api.js";
import { edit } from "./messageEditor.js";
import { Answer, Said, UNFINISHED } from "./message.js";
import { selectedIn } from "../compose/quotation.js";
import { Unsent } from "./unsentMessages.js";

const SYNC_MS = 80;
const TICK_MS = 2000;
const POINTED_MS = 2400;

export class Thread extends EventTarget {
    conversation = null;
    id = null;
    messages = [];
    #views = new Map();
    #timer = 0;
    #asked = 0;
    #opened = false;
    #lookedAt = new Map();

    constructor(parts) {
        super();
        Object.assign(this, parts); // list, replies, outbox, connection, links, scroller, composer, tell
        this.unsent = new Unsent(this.outbox, this.connection, this.composer);
        this.draftOf = this.outbox.begun ?? crypto.getRandomValues(new Uint32Array(1))[0];
        this.replies.addEventListener("change", ({ detail }) => this.#views.get(detail.reply.id)?.heard?.());
        this.replies.addEventListener("final", ({ detail }) => this.#ended(detail));
        this.outbox.addEventListener("change", () => this.#layOut());
        this.connection.addEventListener("state", () => this.outbox.waiting && this.#layOut());
        this.outbox.addEventListener("accepted", ({ detail }) => this.#accepted(detail));
        setInterval(() => this.#tick(), TICK_MS);
    }

    get unfinished() {
        return this.messages.filter(isUnfinished);
    }

    get lastOfPerson() {
        const said = this.messages.findLast((message) => message.role === "user");
        return said && this.#views.get(said.id);
    }

    // Shows a conversation, or with null the place where one begins.
    async open(id) {
        this.id = id;
        this.conversation = null;
        this.messages = [];
        this.#views.clear();
        this.list.replaceChildren();
        this.scroller.toEnd();
        if (id === null && this.#opened) this.draftOf = crypto.getRandomValues(new Uint32Array(1))[0];
        this.#opened = true;
        this.#layOut();
        if (id === null) return;
        this.list.setAttribute("aria-busy", "true");
        await this.sync();
        this.list.removeAttribute("aria-busy");
        this.scroller.toEnd();
    }

    // Brings a message into sight and marks it for a moment; one of another branch is not there.
    point(messageId) {
        const element = this.#views.get(messageId)?.element;
        if (element) this.scroller.show(element);
        element?.classList.add("pointed");
        setTimeout(() => element?.classList.remove("pointed"), POINTED_MS);
    }

    // Asks for what the server has; news that come together ask once.
    syncSoon() {
        this.#timer ||= setTimeout(() => {
            this.#timer = 0;
            this.sync();
        }, SYNC_MS);
    }

    async sync() {
        const id = this.id;
        if (id === null) return;
        const asked = ++this.#asked;
        try {
            const [conversation, found] = await Promise.all([get(`conversations/${id}`), all(`conversations/${id}/messages`)]);
            if (asked !== this.#asked || id !== this.id) return;
            this.conversation = conversation;
            this.messages = found.map((message) => this.#newest(message));
            this.#layOut();
        } catch (error) {
            if (id === this.id) this.dispatchEvent(new CustomEvent("gone", { detail: error }));
        }
    }

    // A reply does not begin again: an answer that was asked for before its end, and came after it, is old.
    #newest(message) {
        const known = this.messages.find((each) => each.id === message.id);
        return known?.finished_at && !message.finished_at ? known : message;
    }

    // Where what was heard is not what was stored, nothing that was heard is trusted.
    #ended({ reply, whole }) {
        this.settle(reply.id);
        if (!whole) this.sync();
    }

    // A reply is over: what the server stored replaces what was heard.
    async settle(id) {
        const at = this.messages.findIndex((message) => message.id === id);
        if (at < 0) return this.replies.forget(id);
        try {
            const message = await get(`messages/${id}`);
            this.messages = this.messages.map((each) => (each.id === id ? message : each));
            if (!UNFINISHED.includes(message.status)) this.replies.forget(id);
            this.#layOut();
        } catch (error) {
            if (error.isPassing) setTimeout(() => this.settle(id), TICK_MS);
        }
    }

    send(text, more = {}) {
        this.outbox.add({ text, conversation_id: this.id, draft_of: this.id ? null : this.draftOf, ...more });
        this.scroller.toEnd();
    }

    // Stops what is being said. What waits behind it goes on, which is said together with the way to stop that, too.
    stopNow() {
        const now = this.messages.find((message) => message.status === "streaming" && message.role === "assistant") ?? this.unfinished[0];
        if (!now) return;
        const rest = this.unfinished.slice(this.unfinished.indexOf(now) + 1);
        this.stop(now.id);
        // The last first: else each would begin as the one before it stops.
        const stopRest = () => rest.toReversed().forEach(({ id }) => this.stop(id));
        if (rest.length) this.tell("Stopped. What you sent after it is answered now.", stopRest, "Stop that, too");
    }

    stop(id) {
        if (!this.connection.say({ type: "stop", message_id: id })) post(`messages/${id}/stop`).catch((error) => this.tell(error.message));
    }

    async retry(message) {
        await this.#attempt(() => post(`messages/${message.id}/retry`));
        this.composer.refocus();
        this.scroller.toEnd();
    }

    goOn() {
        this.send("Continue.");
    }

    // What still answers the earlier version is stopped: nobody would see it, nor could stop it later.
    edit(view) {
        edit(view, (text) => {
            const at = this.messages.findIndex((message) => message.id === view.message.id);
            for (const message of this.messages.slice(at)) if (isUnfinished(message)) this.stop(message.id);
            this.send(text, { ...this.composer.choice, attachments: view.message.attachments, parent_id: view.message.parent_id ?? "root" });
        });
    }

    // Edits the words that an answer is to.
    editAsked(view) {
        this.edit(this.#views.get(view.message.parent_id));
    }

    // Quotes what is selected in a message, or all of it.
    quote(view) {
        this.composer.quote(selectedIn(view.element) ?? view.message.text);
    }

    // Goes on from a message in another conversation; from the last one where none is named.
    async fork(message = this.messages.at(-1)) {
        try {
            const { id } = await post(`conversations/${this.id}/fork`, { message_id: message?.id ?? null });
            this.dispatchEvent(new CustomEvent("forked", { detail: id }));
        } catch (error) {
            this.tell(error.message);
        }
    }

    // A person's words may be the last ones where a conversation was forked after them.
    isUnanswered(message) {
        const isWaiting = this.outbox.of(this.id, this.draftOf).length > 0;
        return !isWaiting && message.role === "user" && this.messages.at(-1)?.id === message.id;
    }

    async showBranch(id) {
        await this.#attempt(() => patch(`conversations/${this.id}`, { head_id: id }));
    }

    // The answers before this one that are not finished, from the first on.
    before(view) {
        const at = this.messages.findIndex((message) => message.id === view.message.id);
        const unfinished = this.messages.slice(0, Math.max(at, 0)).filter(isUnfinished);
        return unfinished.map((message) => this.#views.get(message.id)).filter(Boolean);
    }

    drawn() {
        this.dispatchEvent(new Event("drawn"));
    }

    async #attempt(change) {
        try {
            await change();
            await this.sync();
        } catch (error) {
            this.tell(error.message);
        }
    }

    // The server has the words: they stand where they belong, before the server's own view of them comes.
    #accepted({ entry, place }) {
        const isMine = this.id ? entry.conversation_id === this.id : entry.draft_of === this.draftOf;
        if (!isMine) return;
        const begun = this.id === null;
        this.id = place.conversation_id;
        if (!this.messages.some((message) => message.id === place.message_id)) {
            const common = { conversation_id: this.id, created_at: new Date().toISOString(), siblings: [] };
            const before = this.#before(entry.parent_id);
            const parent_id = before.at(-1)?.id ?? null; // or who edits it at once would begin at the root
            this.messages = [
                ...before,
                { ...common, id: place.message_id, role: "user", status: "complete", text: entry.text, attachments: entry.attachments, parent_id },
                { ...common, id: place.reply_id, role: "assistant", status: "pending", text: "", parent_id: place.message_id },
            ];
        }
        if (begun) this.dispatchEvent(new Event("begun"));
        this.syncSoon();
    }

    #before(parentId) {
        if (!parentId) return this.messages;
        return this.messages.slice(0, this.messages.findIndex((message) => message.id === parentId) + 1);
    }

    #layOut() {
        const entries = this.outbox.of(this.id, this.draftOf);
        const branching = entries.find((entry) => entry.parent_id && !entry.error);
        const shown = this.#before(branching?.parent_id);
        const views = shown.map((message) => this.#viewOf(message));
        place(this.list, [...views.map((view) => view.element), ...this.unsent.elements(entries)]);
        const kept = new Set(this.messages.map((message) => message.id));
        for (const id of this.#views.keys()) if (!kept.has(id)) this.#views.delete(id);
        this.dispatchEvent(new Event("shown"));
    }

    #viewOf(message) {
        const known = this.#views.get(message.id);
        if (known) known.update(message);
        const view = known ?? new (message.role === "user" ? Said : Answer)(message, this);
        this.#views.set(message.id, view);
        if (UNFINISHED.includes(message.status)) view.follow(this.replies.expect(message.id));
        return view;
    }

    // Who is silent for long is asked about: perhaps it has ended, and nobody told us.
    #tick() {
        for (const view of this.#views.values()) {
            view.tick?.();
            if (!view.isSilent || Date.now() - (this.#lookedAt.get(view) ?? 0) < 10_000) continue;
            this.#lookedAt.set(view, Date.now());
            this.connection.hello();
            this.syncSoon();
        }
    }
}

function isUnfinished({ role, status }) {
    return role === "assistant" && UNFINISHED.includes(status);
}

// Puts elements into a list in this order; what stands right already is not touched, so focus and
// selection stay.
function place(list, elements) {
    const wanted = new Set(elements);
    for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
    elements.forEach((element, at) => list.children[at] === element || list.insertBefore(element, list.children[at] ?? null));
}
