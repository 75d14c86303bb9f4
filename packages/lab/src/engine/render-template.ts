import { type Artifact, type ArtifactLocation, hasLocation } from "@skein/contract";
import { type Lookup, substitute } from "../workflow/tags.ts";
import type { ArtifactRepository, WorkflowTemplate } from "../workflow/types.ts";

const DEFAULT_KEY_FORMAT = "{{workflow.name}}/{{pod.name}}";

export interface RenderContext {
  /** The values of all tags at this template. */
  lookup: Lookup;
  /** As they were resolved for this node. */
  inputArtifacts: readonly Artifact[];
  repository: ArtifactRepository;
  /** The workflow's own wish, which counts least (contract §11.6). */
  archiveLogs: boolean | undefined;
}

/** The template as the controller puts it into `ARGO_TEMPLATE`: tags replaced, inputs located, no input parameters. */
export function renderTemplate(template: WorkflowTemplate, context: RenderContext): WorkflowTemplate {
  const { lookup, inputArtifacts } = context;
  const rendered = substitute(
    { ...template, inputs: inputArtifacts.length > 0 ? { artifacts: [...inputArtifacts] } : {} },
    lookup,
  );
  const archiveLocation = renderArchiveLocation(rendered, context);
  const { archiveLocation: _own, ...rest } = rendered;
  return {
    ...rest,
    outputs: rest.outputs ?? {},
    metadata: rest.metadata ?? {},
    ...(archiveLocation ? { archiveLocation } : {}),
  };
}

/** As the controller's `addArchiveLocation`: the repository, unless the template brings a whole location of its own. */
function renderArchiveLocation(
  template: WorkflowTemplate,
  { repository, lookup, archiveLogs: wanted }: RenderContext,
): ArtifactLocation | undefined {
  const own = template.archiveLocation;
  if (own && hasLocation(own)) return own;
  const archiveLogs = repository.archiveLogs || (own?.archiveLogs ?? wanted ?? false);
  const artifacts = [...(template.inputs?.artifacts ?? []), ...(template.outputs?.artifacts ?? [])];
  if (!archiveLogs && artifacts.every((artifact) => hasLocation(artifact))) return undefined;
  const { keyFormat = DEFAULT_KEY_FORMAT, ...s3 } = repository.s3;
  return { archiveLogs, s3: { ...s3, key: substitute(keyFormat, lookup) } };
}
