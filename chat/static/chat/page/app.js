// The chat page: makes its parts and connects them.

import { AttachmentTray } from "../compose/attachmentTray.js";
import { CommandMenu } from "../compose/commandMenu.js";
import { Commands } from "../compose/commands.js";
import { Composer } from "../compose/composer.js";
import { ContextEstimate } from "../compose/contextEstimate.js";
import { bindFileInput } from "../compose/fileInput.js";
import { ModelPicker } from "../compose/modelPicker.js";
import { Outbox } from "../compose/outbox.js";
import { QuoteButton } from "../compose/quotation.js";
import { messageOf, onSessionEnd } from "../lib/api.js";
import { find, findAs, inlineIcons } from "../lib/dom.js";
import { Scroller } from "../lib/scroller.js";
import { toast } from "../lib/toast.js";
import { Thread } from "../thread/thread.js";
import { Announcer } from "./announcer.js";
import { Connection } from "./connection.js";
import { ConnectionStatus } from "./connectionStatus.js";
import { FrameRouter } from "./frameRouter.js";
import { bindShortcuts } from "./keyboardShortcuts.js";
import { LiveReplies } from "./liveReplies.js";
import { PageShell } from "./pageShell.js";
import { PendingApprovals } from "./pendingApprovals.js";
import { Search } from "./search.js";
import { Sidebar } from "./sidebar.js";
import { welcome } from "./welcome.js";

/** @type {Wire.PageConfig} */
const config = JSON.parse(find("#config").textContent ?? "");
const { links } = config;

/** @type {Connection} */
const connection = new Connection("/ws/chat/", () => router.helloFields());
const replies = new LiveReplies((frame) => connection.send(frame));
const outbox = new Outbox(connection, config);
const scroller = new Scroller(find("#scroll"), find("#content"), find("#jump"));
const picker = new ModelPicker(findAs(HTMLSelectElement, "#profile"), findAs(HTMLSelectElement, "#model"), toast);
const tray = new AttachmentTray(find("#tray"), config);
const composer = new Composer(findAs(HTMLFormElement, "#composer"), config.user, picker, tray);
const thread = new Thread({ list: find("#thread"), replies, outbox, connection, scroller, composer, links, notify: toast });
const sidebar = new Sidebar(find("#sidebar"));
const announcer = new Announcer(find("#announcer"), (id) => thread.messages.some((message) => message.id === id));
const approvals = new PendingApprovals(find("#approvals"), links.run);
const router = new FrameRouter({ connection, replies, outbox, thread, sidebar, announcer, approvals });
const shell = new PageShell({ sidebar, thread, composer, picker, connection, config });
const search = new Search(findAs(HTMLDialogElement, "#search"), (id, messageId) => shell.go(id, messageId));
new ContextEstimate(find("#context-estimate"), composer, thread, announcer);
new QuoteButton(composer, find("#scroll"));
new ConnectionStatus(find("#connection-status"), connection, outbox);

const send = (/** @type {string} */ text) => thread.send(text, composer.choice);
const commands = new Commands({ shell, sidebar, thread, composer, picker, search, send, notify: toast });
find("#help [data-commands]").append(...commands.descriptions);
new CommandMenu(find("#command-menu"), composer, commands, announcer);
composer.on("stop", () => thread.stopCurrent());
composer.on("send", ({ text, ...draft }) => (commands.run(text) ? tray.restore(draft.attachments) : thread.send(text, draft)));
composer.on("edit-last", () => thread.lastUserMessage && thread.edit(thread.lastUserMessage));
find("#welcome").append(welcome(config, send));
onSessionEnd(() => shell.showSignedOut());
bindShortcuts({ shell, search, thread });
bindFileInput(tray, composer);

shell.open(config.conversation);
sidebar.load().catch((error) => toast(messageOf(error)));
connection.start();
inlineIcons();
