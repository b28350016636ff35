// Asks for the fleet's figures again and again, and shows them. Everything a service says is put
// into the page as text, never as markup.

const PERIOD = 2_000;
const DEADLINE = 10_000;
const HISTORY = 60;

const page = (id) => document.getElementById(id);
const history = new Map();
let latest = null;
let shownTrace = null;
let paused = false;

// A figure that is not known yet is shown as a dash: it is not a zero.
const UNKNOWN = "–";
const known = (value) => typeof value === "number" && Number.isFinite(value);
const count = (value) => known(value) ? value.toLocaleString("en") : UNKNOWN;
const rate = (value) => known(value) ? `${value.toFixed(value < 10 ? 2 : 0)}/s` : UNKNOWN;
const percent = (value) => known(value) ? `${(value * 100).toFixed(value > 0 && value < 0.1 ? 2 : 0)} %` : UNKNOWN;
const millis = (value) => {
  if (!known(value)) return UNKNOWN;
  if (value >= 1_000) return `${(value / 1_000).toFixed(2)} s`;
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`;
};

function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function figure(label, value) {
  return element("div", {}, element("dt", {}, label), element("dd", {}, value));
}

function sparkline(points, label) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 100 30");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", label);
  const top = Math.max(...points, 0.001);
  const line = document.createElementNS(space, "polyline");
  const step = 100 / (HISTORY - 1);
  const left = 100 - step * (points.length - 1);
  line.setAttribute("points", points.map((value, at) => `${left + at * step},${28 - 26 * value / top}`).join(" "));
  svg.append(line);
  return svg;
}

function state(service) {
  if (!service.ok) return ["down", "down"];
  if (service.ready === false) return ["starting", "not ready"];
  return ["ready", "ready"];
}

function card(service) {
  const tracer = service.observability?.tracer ?? {};
  const [name, words] = state(service);
  const points = history.get(service.service) ?? [];
  const item = element("li", { class: "card", "data-state": name },
    element("div", { class: "top" },
      element("h3", {}, service.service),
      element("span", { class: "badge", "data-state": name }, words)),
    element("dl", {},
      figure("Throughput", rate(tracer.throughput)),
      figure("p50", millis(tracer.p50Latency)),
      figure("p99", millis(tracer.p99Latency)),
      figure("Requests", count(tracer.totalTraces)),
      figure("Error rate", percent(tracer.errorRate)),
      figure("Active", count(tracer.activeTraces))));
  if (points.length > 1) item.append(sparkline(points, `Throughput of ${service.service} since this page was opened`));
  if (service.error) item.append(element("p", { class: "error" }, service.error));
  for (const [breaker, figures] of Object.entries(service.observability?.circuitBreakers ?? {})) {
    if (figures.status !== "closed") item.append(element("p", { class: "error" }, `Breaker ${breaker}: ${figures.status}`));
  }
  return item;
}

function totals(services) {
  const tracers = services.map((service) => service.observability?.tracer).filter(Boolean);
  const sum = (name) => tracers.reduce((total, tracer) => total + (tracer[name] ?? 0), 0);
  const worst = Math.max(...tracers.map((tracer) => tracer.p99Latency).filter(known));
  const any = tracers.length > 0;
  return [
    figure("Services up", `${services.filter((service) => service.ok).length} of ${services.length}`),
    figure("Requests", any ? count(sum("totalTraces")) : UNKNOWN),
    figure("Throughput", any ? rate(sum("throughput")) : UNKNOWN),
    figure("Active now", any ? count(sum("activeTraces")) : UNKNOWN),
    figure("Slowest p99", millis(worst)),
  ];
}

function routeRows(services) {
  const routes = services.flatMap((service) =>
    (service.observability?.tracer?.routes ?? []).map((route) => ({ ...route, service: service.service })));
  routes.sort((a, b) => b.count - a.count);
  return routes.slice(0, 100).map((route) => element("tr", {},
    element("td", {}, route.service),
    element("td", {}, element("code", {}, `${route.method} ${route.route}`)),
    element("td", { class: "number" }, count(route.count)),
    element("td", { class: "number" }, count(route.errors)),
    element("td", { class: "number" }, millis(route.p50Latency)),
    element("td", { class: "number" }, millis(route.p99Latency))));
}

function spanRows(services) {
  const only = page("only").value;
  const spans = services
    .flatMap((service) => service.observability?.tracer?.spans ?? [])
    .filter((span) => (!only || span.service === only) && (!shownTrace || span.traceId === shownTrace));
  // One trace reads from its beginning, the news from its end.
  const order = shownTrace ? 1 : -1;
  spans.sort((a, b) => order * (Date.parse(a.startTime) - Date.parse(b.startTime)));
  const longest = Math.max(...spans.map((span) => span.duration).filter(known), 0.001);
  return spans.slice(0, 100).map((span) => {
    const trace = element("button", { type: "button", class: "link", "aria-label": `Show only trace ${span.traceId}` },
      element("code", {}, String(span.traceId).slice(0, 8)));
    trace.dataset.trace = span.traceId;
    return element("tr", {},
      element("td", {}, new Date(span.startTime).toLocaleTimeString()),
      element("td", {}, span.service),
      element("td", {}, element("code", {}, span.name)),
      element("td", {}, element("span", { class: "badge", "data-state": span.status === "success" ? "success" : "error" }, span.status)),
      element("td", {},
        element("span", { class: "duration" }, millis(span.duration)),
        element("meter", { min: 0, max: longest, value: span.duration ?? 0, "aria-hidden": "true" })),
      element("td", {}, trace));
  });
}

function rows(id, made, nothing) {
  const body = page(id);
  const columns = body.parentElement.querySelectorAll("th").length;
  body.replaceChildren(...(made.length ? made
    : [element("tr", {}, element("td", { class: "empty", colspan: columns }, nothing))]));
}

function say(words, state) {
  const status = page("connection");
  status.dataset.state = state;
  // Written only when it changes, so a screen reader is not told the same thing every two seconds.
  if (status.textContent !== words) status.textContent = words;
}

function show() {
  if (!latest) return;
  const { services } = latest;
  page("totals").replaceChildren(...totals(services));
  page("cards").replaceChildren(...services.map(card));
  rows("routes", routeRows(services), "No request has been counted yet.");
  page("clear").hidden = !shownTrace;
  // A focused button would be replaced under the reader's fingers: its trace gets the focus again.
  const focused = document.activeElement?.dataset?.trace;
  rows("spans", spanRows(services), "No span has been recorded yet.");
  if (focused) page("spans").querySelector(`[data-trace="${CSS.escape(focused)}"]`)?.focus();
  const names = services.map((service) => service.service);
  const select = page("only");
  if (select.options.length !== names.length + 1) {
    select.append(...names.map((name) => element("option", { value: name }, name)));
  }
}

function remember(services) {
  for (const service of services) {
    const points = history.get(service.service) ?? [];
    points.push(service.observability?.tracer?.throughput ?? 0);
    history.set(service.service, points.slice(-HISTORY));
  }
}

function hexadecimal(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function ask() {
  const answer = await fetch("/api/v1/system/fleet", {
    headers: {
      accept: "application/json",
      // Not to be sampled: the page would show little else than its own questions.
      traceparent: `00-${hexadecimal(16)}-${hexadecimal(8)}-00`,
    },
    signal: AbortSignal.timeout(DEADLINE),
  });
  if (!answer.ok) throw new Error(`the gateway answered ${answer.status}`);
  return answer.json();
}

async function turn() {
  if (!paused && !document.hidden) {
    try {
      latest = await ask();
      remember(latest.services);
      show();
      const down = latest.services.filter((service) => !service.ok).map((service) => service.service);
      say(down.length ? `Live, but down: ${down.join(", ")}` : "Live", down.length ? "lost" : "live");
    } catch (error) {
      say(`No answer (${error.message}): the figures below are old`, "lost");
    }
  }
  setTimeout(turn, PERIOD);
}

page("pause").addEventListener("click", (event) => {
  paused = !paused;
  event.currentTarget.setAttribute("aria-pressed", String(paused));
  say(paused ? "Paused" : "Connecting…", "live");
});
page("only").addEventListener("change", show);
page("clear").addEventListener("click", () => { shownTrace = null; show(); });
page("spans").addEventListener("click", (event) => {
  const trace = event.target.closest("[data-trace]")?.dataset.trace;
  if (trace) { shownTrace = trace; show(); }
});

turn();
