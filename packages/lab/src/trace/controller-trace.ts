import { randomBytes } from "node:crypto";
import type { TraceContext } from "@skein/contract";
import { isFinal, type NodePhase, type WorkflowNode } from "../engine/node.ts";
import type { WorkflowIdentity } from "../workflow/globals.ts";
import { exportRequest, type FinishedSpan, SPAN_KIND, STATUS_CODE } from "./otlp-span.ts";

/** The spans a workflow controller makes (contract §20.5): the tree in which the executor's spans hang. */
export interface ControllerTrace {
  /** To be told of every node when it is made and whenever its phase changes. */
  onChange(node: WorkflowNode): void;
  /** Begins the span under which a pod is made; its context goes into every container of the pod. */
  beginPod(node: WorkflowNode): { context: TraceContext; created(): void };
  /** Ends the workflow's span, and with it everything that was left open. */
  end(phase: NodePhase): void;
}

interface OpenNode {
  context: TraceContext;
  start: Date;
  phase: { name: NodePhase; start: Date };
}

/**
 * @param write gets each request for export as soon as there is something to tell
 * @param now for tests
 */
export function createControllerTrace(
  identity: WorkflowIdentity,
  write: (request: { resourceSpans: unknown[] }) => void,
  now: () => Date = () => new Date(),
): ControllerTrace {
  const { name, namespace } = identity;
  const traceId = randomBytes(16).toString("hex");
  const traceState = `workflow=${namespace}/${name}`;
  const newContext = (): TraceContext => ({
    traceId,
    spanId: randomBytes(8).toString("hex"),
    traceFlags: 1,
    traceState,
  });
  const workflow = { context: newContext(), start: now() };
  const open = new Map<WorkflowNode, OpenNode>();
  const known = new Map<WorkflowNode, TraceContext>();
  const emit = (...spans: FinishedSpan[]): void =>
    write(
      exportRequest({ name: "workflow-controller", attributes: { "k8s.namespace.name": namespace } }, spans),
    );

  const phaseSpan = (node: WorkflowNode, { context, phase }: OpenNode): FinishedSpan => ({
    context: newContext(),
    parentSpanId: context.spanId,
    name: "nodePhase",
    kind: SPAN_KIND.producer,
    start: phase.start,
    end: now(),
    attributes: { node_id: node.id, node_phase: phase.name },
  });

  const nodeSpan = (node: WorkflowNode, { context, start }: OpenNode): FinishedSpan => ({
    context,
    // A node is made while its parent is worked on, whose span is then the active one.
    parentSpanId: (node.parent && known.get(node.parent)?.spanId) ?? workflow.context.spanId,
    name: "node",
    kind: SPAN_KIND.internal,
    start,
    end: now(),
    // `node_name` is ours: upstream's `name` is the workflow's, and a template may run as several nodes.
    attributes: { node_id: node.id, name, namespace, node_type: node.type, node_name: node.name },
    status: statusOf(node.phase),
  });

  const close = (node: WorkflowNode, entry: OpenNode): void => {
    open.delete(node);
    emit(...(isFinal(entry.phase.name) ? [] : [phaseSpan(node, entry)]), nodeSpan(node, entry));
  };

  return {
    onChange: (node) => {
      const entry = open.get(node);
      if (!entry) {
        if (known.has(node)) return; // final since its first moment, and told already
        const made: OpenNode = {
          context: newContext(),
          start: now(),
          phase: { name: node.phase, start: now() },
        };
        open.set(node, made);
        known.set(node, made.context);
        if (isFinal(node.phase)) close(node, made);
        return;
      }
      if (isFinal(node.phase)) return close(node, entry);
      if (node.phase === entry.phase.name) return;
      emit(phaseSpan(node, entry));
      entry.phase = { name: node.phase, start: now() };
    },
    beginPod: (node) => {
      const context = newContext();
      const start = now();
      return {
        context,
        created: () =>
          emit({
            context,
            parentSpanId: known.get(node)?.spanId ?? workflow.context.spanId,
            name: "createWorkflowPod",
            kind: SPAN_KIND.internal,
            start,
            end: now(),
            attributes: { node_id: node.id },
          }),
      };
    },
    end: (phase) => {
      for (const [node, entry] of open) close(node, entry);
      const { context, start } = workflow;
      const attributes = { name, namespace };
      emit({
        context,
        name: "workflow",
        kind: SPAN_KIND.internal,
        start,
        end: now(),
        attributes,
        status: statusOf(phase),
      });
    },
  };
}

/** The description is the phase, so that a reader of the trace can tell a node that failed from one that never ran. */
function statusOf(phase: NodePhase): NonNullable<FinishedSpan["status"]> {
  return phase === "Succeeded" ? { code: STATUS_CODE.ok } : { code: STATUS_CODE.error, message: phase };
}
