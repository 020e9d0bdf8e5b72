// The page around the conversation: which one is open, its address and title, what is read, the drawer.

import { ApiError, messageOf, patch } from "../lib/api.js";
import { find, h, opensElsewhere } from "../lib/dom.js";
import { editTitle } from "./conversationRow.js";
/** @import { Composer } from "../compose/composer.js" */
/** @import { ModelPicker } from "../compose/modelPicker.js" */
/** @import { Thread } from "../thread/thread.js" */
/** @import { Connection } from "./connection.js" */
/** @import { Sidebar } from "./sidebar.js" */

/**
 * @typedef {object} Parts
 * @property {Sidebar} sidebar
 * @property {Thread} thread
 * @property {Composer} composer
 * @property {ModelPicker} picker
 * @property {Connection} connection
 * @property {Wire.PageConfig} config
 */

const DRAWER_KEY = "stagent:sidebar";

export class PageShell {
    #shownChoice = "";
    #title = find("#title");
    #welcome = find("#welcome");
    #notFound = find("#not-found");
    #moreButton = find("#top [data-more]");
    #drawer = find("#sidebar");
    #narrow = matchMedia("(max-width: 820px)");

    /** @param {Parts} parts */
    constructor({ sidebar, thread, composer, picker, connection, config }) {
        this.sidebar = sidebar;
        this.thread = thread;
        this.composer = composer;
        this.picker = picker;
        this.config = config;
        this.#bindButtons();
        sidebar.on("go", (id) => this.go(id));
        sidebar.on("changed", (conversation) => this.#conversationChanged(conversation));
        sidebar.on("removed", (id) => id === thread.id && this.go(null));
        thread.on("shown", () => this.#threadShown());
        thread.on("created", () => this.#created());
        thread.on("forked", (id) => this.#forked(id));
        thread.on("unavailable", (error) => this.#unavailable(error));
        connection.on("state", () => connection.state.name === "over" && this.showSignedOut());
        document.addEventListener("visibilitychange", () => this.#markRead());
        addEventListener("popstate", (event) => this.open(event.state?.id ?? null));
        history.replaceState({ id: config.conversation }, "");
    }

    #bindButtons() {
        this.#moreButton.addEventListener("click", () => this.#openMenu());
        this.#narrow.addEventListener("change", () => this.toggle(!this.#narrow.matches));
        this.toggle(!this.#narrow.matches && localStorage.getItem(DRAWER_KEY) !== "closed");
        for (const each of document.querySelectorAll("[data-new]")) each.addEventListener("click", (event) => this.#newClicked(/** @type {MouseEvent} */ (event)));
        for (const each of drawerButtons()) each.addEventListener("click", () => this.#toggleClicked());
        find("#backdrop").addEventListener("click", () => this.toggle(false));
    }

    /**
     * Opens a conversation, or with null a new one, as a step of the browser's history; brings a message into sight.
     * @param {Wire.Id | null} id
     * @param {Wire.Id | null} [messageId]
     */
    go(id, messageId = null) {
        if (id !== this.thread.id) history.pushState({ id }, "", id ? `/c/${id}/` : "/");
        this.open(id).then(() => this.thread.highlight(messageId));
        if (this.#narrow.matches) this.toggle(false);
    }

    /** @param {Wire.Id | null} id */
    open(id) {
        this.#notFound.hidden = true;
        this.composer.open(id);
        this.picker.show(null);
        this.#shownChoice = "";
        this.sidebar.show(id);
        const opened = this.thread.open(id);
        if (!this.#narrow.matches) this.composer.focus();
        return opened;
    }

    /** Opens or closes the drawer. */
    toggle(isOpen = this.#drawer.inert) {
        this.#drawer.inert = !isOpen;
        document.body.toggleAttribute("data-drawer-open", isOpen);
        for (const selector of ["#top", "#approvals", "#scroll", "#composer"]) find(selector).inert = isOpen && this.#narrow.matches;
        for (const each of drawerButtons()) each.setAttribute("aria-expanded", String(isOpen));
        if (!this.#narrow.matches) localStorage.setItem(DRAWER_KEY, isOpen ? "open" : "closed");
        else if (isOpen) find("#new").focus();
    }

    // The button that was pressed is gone; its twin takes the focus.
    #toggleClicked() {
        this.toggle();
        if (document.activeElement?.checkVisibility()) return;
        [...drawerButtons()].find((each) => each.checkVisibility())?.focus();
    }

    get isDrawerOpen() {
        return this.#narrow.matches && !this.#drawer.inert;
    }

    showSignedOut() {
        const banner = find("#banner");
        if (!banner.hidden) return;
        const login = `${this.config.links.login}?next=${encodeURIComponent(location.pathname)}`;
        banner.hidden = false;
        banner.replaceChildren(h("span", {}, "You are signed out. Your unsent messages are kept. "), h("a", { href: login }, "Sign in again"));
    }

    /** @param {MouseEvent} event */
    #newClicked(event) {
        if (opensElsewhere(event)) return;
        event.preventDefault();
        this.begin();
    }

    /** Opens a new conversation, perhaps with its first words. */
    begin(text = "") {
        this.go(null);
        if (text) this.composer.prepend(text);
        this.composer.focus();
    }

    #created() {
        const { id } = this.thread;
        if (id === null) return;
        history.replaceState({ id }, "", `/c/${id}/`);
        this.composer.adopt(id);
        this.sidebar.show(id);
        this.sidebar.refresh(id);
        this.sidebar.moveToOpenFolder(id);
    }

    /** @param {Wire.Id} id */
    #forked(id) {
        this.go(id);
        this.sidebar.refresh(id);
        this.composer.restoreFocus();
    }

    #threadShown() {
        const { conversation, id } = this.thread;
        const isEmpty = this.thread.list.childElementCount === 0;
        this.#notFound.hidden ||= !isEmpty;
        this.#welcome.hidden = id !== null || !isEmpty || !this.#notFound.hidden;
        this.composer.showBusy(this.thread.unfinished.length > 0);
        this.#showTitle();
        const choice = conversation && JSON.stringify([id, conversation.profile, conversation.model]);
        if (choice && choice !== this.#shownChoice) {
            this.#shownChoice = choice;
            this.picker.show(conversation);
        }
        this.#markRead();
    }

    /** @param {Wire.Conversation | null} conversation */
    #conversationChanged(conversation) {
        if (conversation && conversation.id === this.thread.id && this.thread.conversation) this.thread.conversation = conversation;
        this.#showTitle();
        this.#markRead();
    }

    #showTitle() {
        const { conversation, id } = this.thread;
        const name = conversation?.title || (id ? "Conversation" : "New conversation");
        this.#title.textContent = name;
        this.#moreButton.hidden = !conversation;
        const unread = this.sidebar.unread;
        document.title = `${unread ? `(${unread}) ` : ""}${name} · Stagent`;
    }

    #openMenu() {
        const { conversation } = this.thread;
        if (conversation) this.sidebar.openMenu(conversation, this.#moreButton, () => this.rename());
    }

    /** Gives the conversation a title; without one, the title becomes a field. */
    rename(title = "") {
        const { id, conversation } = this.thread;
        if (id === null) return;
        /** @param {string} text */
        const save = (text) => this.sidebar.change(id, { title: text });
        if (title) save(title);
        else editTitle(this.#title, conversation?.title ?? "", save, () => this.#moreButton.focus());
    }

    // What is on screen is read, unless the page is in the background.
    #markRead() {
        const { conversation } = this.thread;
        if (!conversation?.unread || document.hidden) return;
        conversation.unread = false;
        patch(`conversations/${conversation.id}`, { read: true }).catch(() => (conversation.unread = true));
    }

    /** Where there is no such conversation, the next message begins another one. @param {unknown} error */
    #unavailable(error) {
        if (error instanceof ApiError && error.status === 404) {
            history.replaceState({ id: null }, "", "/");
            this.open(null);
            this.#showNotFound("Conversation not found", "It was deleted, or it belongs to another user. Start a new conversation or choose one in the sidebar.");
        } else if (!this.thread.messages.length) {
            this.#showNotFound("The conversation could not be loaded", `${messageOf(error)} The page tries again when the connection is back.`);
        }
    }

    /**
     * @param {string} title
     * @param {string} text
     */
    #showNotFound(title, text) {
        this.#notFound.hidden = false;
        this.#welcome.hidden = true;
        this.#notFound.replaceChildren(h("h2", {}, title), h("p", {}, text));
    }
}

/** @returns {NodeListOf<HTMLElement>} */
function drawerButtons() {
    return document.querySelectorAll("[data-drawer]");
}
