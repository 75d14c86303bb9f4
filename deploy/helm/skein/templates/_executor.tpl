{{- /* The value of the key `executor` of the controller's ConfigMap. */ -}}
{{- define "skein.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "skein.executor" -}}
image: {{ include "skein.image" . }}
imagePullPolicy: IfNotPresent
resources:
{{ toYaml .Values.resources | indent 2 }}
{{- if .Values.tracing.endpoint }}
env:
  - name: OTEL_EXPORTER_OTLP_ENDPOINT
    value: {{ .Values.tracing.endpoint | quote }}
  - name: OTEL_EXPORTER_OTLP_PROTOCOL
    value: {{ .Values.tracing.protocol | quote }}
{{- end }}
{{- end -}}
