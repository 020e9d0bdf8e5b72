// The open conversation: its messages in their order, the replies under way, the messages not sent yet.
// Emits "shown" when something of it changed on screen, "drawn" when text of a reply was drawn, "created" when it
// got its id, "forked" with the id of the fork, "unavailable" with the error when it cannot be shown.

import { newDraftKey } from "../compose/outbox.js";
import { selectedTextIn } from "../compose/quotation.js";
import { ApiError, get, getAll, messageOf, patch, post } from "../lib/api.js";
import { arrange } from "../lib/dom.js";
import { Emitter } from "../lib/emitter.js";
import { isUnfinished } from "./message.js";
import { editMessage } from "./messageEditor.js";
import { MessageViews, provisionalMessages } from "./messageViews.js";
import { UnsentMessages } from "./unsentMessages.js";
/** @import { Composer } from "../compose/composer.js" */
/** @import { Draft, Entry, Ids, Outbox } from "../compose/outbox.js" */
/** @import { Scroller } from "../lib/scroller.js" */
/** @import { Connection } from "../page/connection.js" */
/** @import { LiveReplies, LiveReply } from "../page/liveReplies.js" */
/** @import { AssistantMessage, UserMessage } from "./message.js" */
/** @import { MessageView } from "./messageViews.js" */

/**
 * @typedef {object} Parts
 * @property {HTMLElement} list
 * @property {LiveReplies} replies
 * @property {Outbox} outbox
 * @property {Connection} connection
 * @property {Scroller} scroller
 * @property {Composer} composer
 * @property {Wire.Links} links
 * @property {(message: string, action?: () => void, label?: string) => void} notify
 */

const SYNC_MS = 80;
const TICK_MS = 2000;
const HIGHLIGHT_MS = 2400;
const RECHECK_MS = 10_000;

/** @extends {Emitter<{ shown: undefined, drawn: undefined, created: undefined, forked: Wire.Id, unavailable: unknown }>} */
export class Thread extends Emitter {
    /** @type {Wire.Conversation | null} */
    conversation = null;
    /** @type {Wire.Id | null} */
    id = null;
    /** @type {Wire.Message[]} */
    messages = [];
    #views = new MessageViews(this);
    #timer = 0;
    #syncs = 0;
    #wasOpened = false;
    /** @type {WeakMap<AssistantMessage, number>} when a silent reply was asked about last */
    #checkedAt = new WeakMap();

    /** @param {Parts} parts */
    constructor({ list, replies, outbox, connection, scroller, composer, links, notify }) {
        super();
        this.list = list;
        this.replies = replies;
        this.outbox = outbox;
        this.connection = connection;
        this.scroller = scroller;
        this.composer = composer;
        this.links = links;
        this.notify = notify;
        this.unsent = new UnsentMessages(outbox, connection, composer);
        this.draftKey = outbox.unfinishedDraftKey ?? newDraftKey();
        replies.on("change", ({ reply }) => this.#views.assistant(reply.id)?.scheduleDraw());
        replies.on("final", (final) => this.#finished(final));
        outbox.on("change", () => this.#layOut());
        connection.on("state", () => outbox.pendingCount && this.#layOut());
        outbox.on("accepted", (accepted) => this.#accepted(accepted));
        setInterval(() => this.#tick(), TICK_MS);
    }

    get unfinished() {
        return this.messages.filter(isUnfinished);
    }

    get lastUserMessage() {
        const message = this.messages.findLast(({ role }) => role === "user");
        return message && this.#views.user(message.id);
    }

    /** Shows a conversation, or with null a new one. @param {Wire.Id | null} id */
    async open(id) {
        this.id = id;
        this.conversation = null;
        this.messages = [];
        this.#views.clear();
        this.list.replaceChildren();
        this.scroller.toEnd();
        if (id === null && this.#wasOpened) this.draftKey = newDraftKey();
        this.#wasOpened = true;
        this.#layOut();
        if (id === null) return;
        this.list.setAttribute("aria-busy", "true");
        await this.sync();
        this.list.removeAttribute("aria-busy");
        this.scroller.toEnd();
    }

    /** Brings a message into sight and highlights it for a moment. @param {Wire.Id | null} messageId */
    highlight(messageId) {
        const element = this.#views.get(messageId)?.element; // none where it is on another branch
        if (!element) return;
        this.scroller.show(element);
        element.classList.add("highlighted");
        setTimeout(() => element.classList.remove("highlighted"), HIGHLIGHT_MS);
    }

    /** Loads what the server has, once for calls that come together. */
    syncSoon() {
        this.#timer ||= setTimeout(() => {
            this.#timer = 0;
            this.sync();
        }, SYNC_MS);
    }

    async sync() {
        const { id } = this;
        if (id === null) return;
        const sync = ++this.#syncs;
        try {
            const [conversation, messages] = await Promise.all([get(`conversations/${id}`), getAll(`conversations/${id}/messages`)]);
            if (sync !== this.#syncs || id !== this.id) return;
            this.conversation = conversation;
            this.messages = messages.map((message) => this.#newest(message));
            this.#layOut();
        } catch (error) {
            if (id === this.id) this.emit("unavailable", error);
        }
    }

    /** A reply never restarts: a response from before its end that arrives after it is stale. @param {Wire.Message} message */
    #newest(message) {
        const known = this.messages.find((each) => each.id === message.id);
        return known?.finished_at && !message.finished_at ? known : message;
    }

    /** Where the frames do not add up to the stored text, everything is loaded anew. @param {{ reply: LiveReply, isComplete: boolean }} final */
    #finished({ reply, isComplete }) {
        this.loadFinished(reply.id);
        if (!isComplete) this.sync();
    }

    /** Replaces a finished reply by what the server stored. @param {Wire.Id} id */
    async loadFinished(id) {
        if (!this.messages.some((message) => message.id === id)) return this.replies.forget(id);
        try {
            /** @type {Wire.Message} */
            const message = await get(`messages/${id}`);
            this.messages = this.messages.map((each) => (each.id === id ? message : each));
            if (!isUnfinished(message)) this.replies.forget(id);
            this.#layOut();
        } catch (error) {
            if (error instanceof ApiError && error.isTransient) setTimeout(() => this.loadFinished(id), TICK_MS);
        }
    }

    /**
     * @param {string} text
     * @param {Partial<Draft>} [more]
     */
    send(text, more = {}) {
        this.outbox.add({ text, conversation_id: this.id, draftKey: this.id ? null : this.draftKey, ...more });
        this.scroller.toEnd();
    }

    /** Stops the reply that is being written. The queued ones go on, and a toast offers to stop them, too. */
    stopCurrent() {
        const current = this.unfinished.find(({ status }) => status === "streaming") ?? this.unfinished[0];
        if (!current) return;
        const queued = this.unfinished.slice(this.unfinished.indexOf(current) + 1);
        this.stop(current.id);
        // The last first: else each would begin as the one before it stops.
        const stopQueued = () => queued.toReversed().forEach(({ id }) => this.stop(id));
        if (queued.length) this.notify("Stopped. Your next message is answered now.", stopQueued, "Stop that too");
    }

    /** @param {Wire.Id} id */
    stop(id) {
        if (this.connection.send({ type: "stop", message_id: id })) return;
        post(`messages/${id}/stop`).catch((error) => this.notify(messageOf(error)));
    }

    /** @param {Wire.Message} message */
    async retry(message) {
        await this.#change(() => post(`messages/${message.id}/retry`));
        this.composer.restoreFocus();
        this.scroller.toEnd();
    }

    /** Edits a message. Replies to the earlier version are stopped: nobody could see or stop them. @param {UserMessage} view */
    edit(view) {
        editMessage(view, (text) => {
            const at = this.messages.findIndex((message) => message.id === view.message.id);
            for (const message of this.messages.slice(at)) if (isUnfinished(message)) this.stop(message.id);
            this.send(text, { ...this.composer.choice, attachments: view.message.attachments, parent_id: view.message.parent_id ?? "root" });
        });
    }

    /** Edits the message that a reply answers. @param {AssistantMessage} view */
    editParent(view) {
        const parent = this.#views.user(view.message.parent_id);
        if (parent) this.edit(parent);
    }

    /** Quotes the selection in a message, or all of it. @param {MessageView} view */
    quote(view) {
        this.composer.quote(selectedTextIn(view.element) ?? view.message.text);
    }

    /** Continues from a message, by default the last one, in another conversation. @param {Wire.Message | undefined} message */
    async fork(message = this.messages.at(-1)) {
        try {
            const { id } = await post(`conversations/${this.id}/fork`, { message_id: message?.id ?? null });
            this.emit("forked", id);
        } catch (error) {
            this.notify(messageOf(error));
        }
    }

    /** A person's message may be the last one where a conversation was forked after it. @param {Wire.Message} message */
    isUnanswered(message) {
        const hasUnsent = this.outbox.entriesOf(this.id, this.draftKey).length > 0;
        return !hasUnsent && message.role === "user" && this.messages.at(-1)?.id === message.id;
    }

    /** @param {Wire.Id} id */
    async showBranch(id) {
        await this.#change(() => patch(`conversations/${this.id}`, { head_id: id }));
    }

    /** The unfinished replies before this one, in order. @param {AssistantMessage} view */
    unfinishedBefore(view) {
        const at = this.messages.findIndex((message) => message.id === view.message.id);
        return this.#views.assistants(this.messages.slice(0, Math.max(at, 0)).filter(isUnfinished));
    }

    /** @param {() => Promise<unknown>} change */
    async #change(change) {
        try {
            await change();
            await this.sync();
        } catch (error) {
            this.notify(messageOf(error));
        }
    }

    /** Puts an accepted message into its place, before the server's own version of it comes. @param {{ entry: Entry, ids: Ids }} accepted */
    #accepted({ entry, ids }) {
        if (this.id ? entry.conversation_id !== this.id : entry.draftKey !== this.draftKey) return;
        const isNew = this.id === null;
        this.id = ids.conversation_id;
        if (!this.messages.some((message) => message.id === ids.message_id)) {
            const before = this.#upTo(entry.parent_id);
            // Without its parent, an edit right away would begin at the root.
            this.messages = [...before, ...provisionalMessages(entry, ids, before.at(-1)?.id ?? null)];
        }
        if (isNew) this.emit("created");
        this.syncSoon();
    }

    /** @param {string | undefined} parentId */
    #upTo(parentId) {
        if (!parentId) return this.messages;
        return this.messages.slice(0, this.messages.findIndex((message) => message.id === parentId) + 1);
    }

    #layOut() {
        const entries = this.outbox.entriesOf(this.id, this.draftKey);
        const branching = entries.find((entry) => entry.parent_id && !entry.error);
        const shown = this.#upTo(branching?.parent_id);
        const views = shown.map((message) => this.#viewOf(message));
        arrange(this.list, [...views.map((view) => view.element), ...this.unsent.elements(entries)]);
        this.#views.retain(this.messages);
        this.emit("shown");
    }

    /** @param {Wire.Message} message */
    #viewOf(message) {
        const view = this.#views.of(message);
        if (isUnfinished(message)) this.#views.assistant(message.id)?.follow(this.replies.expect(message.id));
        return view;
    }

    // A reply that is silent for long may have ended without a frame for it.
    #tick() {
        for (const view of this.#views.assistants(this.messages)) {
            view.tick();
            if (!view.isSilent || Date.now() - (this.#checkedAt.get(view) ?? 0) < RECHECK_MS) continue;
            this.#checkedAt.set(view, Date.now());
            this.connection.sendHello();
            this.syncSoon();
        }
    }
}
